"""Child processes that never outlive the demo."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import ctypes
import os
from pathlib import Path
import signal
import sys

from .state import DemoError

_SECONDS_TO_STOP = 30
_PR_SET_PDEATHSIG = 1


class ChildProcess:
    """A running process, its standard output, and the file that takes what it says."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        """Wrap a process that has been started."""
        self.name = name
        self.log = log
        self._process = process

    async def first_line(self) -> bytes:
        """Return the first line of standard output; empty when the process ended without one."""
        assert self._process.stdout is not None
        return await self._process.stdout.readline()

    def must_run(self) -> None:
        """Raise `DemoError` when the process has ended."""
        if self._process.returncode is not None:
            raise DemoError(f"{self.name} ended by itself:\n{tail(self.log)}")

    async def ended(self) -> None:
        """Wait until the process ends, which is an error."""
        await self._process.wait()
        self.must_run()

    async def kill(self) -> None:
        """Kill it and what it started, so that it can put nothing in order any more."""
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """Ask the process to stop, then make it, and take what it started along."""
        try:
            if self._process.returncode is None:
                self._process.terminate()
                await asyncio.wait_for(self._process.wait(), _SECONDS_TO_STOP)
        except TimeoutError:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


@asynccontextmanager
async def running(
    name: str, *command: str, cwd: Path, log: Path, captures_output: bool = False
) -> AsyncIterator[ChildProcess]:
    """Run `command` in a session of its own: Ctrl-C reaches the demo alone, which then stops it.

    Standard error goes to `log`, standard output too unless `is_heard`.
    """
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            stdin=DEVNULL,
            stdout=PIPE if captures_output else errors,
            stderr=errors,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    child = ChildProcess(name, process, log)
    try:
        yield child
    finally:
        await child.stop()


def tail(log: Path, lines: int = 40) -> str:
    """Return the end of a log."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
