"""."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from flows.api.problems import Problem

router = APIRouter()


def is_page(_: Request) -> bool:
    return False


def show_problem(_: Request, __: Problem) -> Response:
    raise NotImplementedError
