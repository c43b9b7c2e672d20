"""What happens: order, input, output and time."""

import os
import signal
import sys

if sys.argv[:1] == ["-m"] or os.path.basename(sys.argv[0] if sys.argv else "") == "user-import":  # noqa: PTH119 - pathlib is slow to load
    # the process begins with a command: until `flows.report.command_line` takes over, a signal ends it without a word
    for _number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(_number) != signal.SIG_IGN:
            signal.signal(_number, lambda *_: os._exit(130))
