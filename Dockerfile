# The image of the Prefect server, the deploy step, the worker, the HTTP face and Dask's workers; `compose.yaml` runs them. See flows/import_users/README.md.
FROM python:3.11-slim

# Prefect writes its pages anew at each start, for which its own folder must not be writable
ENV PREFECT_HOME=/app/data/prefect \
    PREFECT_SERVER_UI_STATIC_DIRECTORY=/tmp/prefect-pages \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    IMPORT_DATABASE=/app/data/users.duckdb \
    PYTHONUNBUFFERED=1

RUN useradd --uid 10001 --create-home user-import
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY transforms transforms
COPY flows flows
RUN pip install --no-cache-dir --editable ".[excel,remote,dask]" && python -m compileall -q schemas transforms flows
COPY prefect.yaml ./
# a named volume takes owner and permissions from here
RUN install --directory --mode=0700 --owner=user-import --group=user-import data data/inbox data/prefect

USER user-import
VOLUME /app/data
EXPOSE 4200 8080
CMD ["prefect", "server", "start", "--host", "0.0.0.0"]
