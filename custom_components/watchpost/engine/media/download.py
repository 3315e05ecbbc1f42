"""Saves vendors' files in Home Assistant's media folder: completely, or not at all."""

from collections.abc import Callable
from contextlib import suppress
import os
from pathlib import Path
import shutil
from typing import TYPE_CHECKING, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import raise_if_invalid_filename
from homeassistant.util.hass_dict import HassKey

from ...const import DOMAIN

if TYPE_CHECKING:
    from ...contract.media import MediaDownload, MediaFile

MAX_BYTES: Final = 16 * 1024**3
# Free space that is left to Home Assistant's own files.
RESERVE_BYTES: Final = 512 * 1024**2
# The free space is checked after so many bytes.
_CHECK_EVERY: Final = 64 * 1024**2

_PENDING: Final[HassKey[set[Path]]] = HassKey(f"{DOMAIN}_saving")


class _File:
    """A file while it is written, under a name that no media browser shows. Blocking calls run in an executor."""

    def __init__(self, hass: HomeAssistant, path: Path) -> None:
        self._hass = hass
        self._path = path
        self._part = _part_of(path)
        self._file = self._part.open("wb")
        self._unchecked = 0
        self.size = 0

    async def take(self, chunk: bytes) -> None:
        """Write a chunk; raises HomeAssistantError where the disk is too full."""
        try:
            await self._hass.async_add_executor_job(self._write, chunk)
        except OSError:
            raise _wrong("not_saved", self._path) from None

    def _write(self, chunk: bytes) -> None:
        self._unchecked += len(chunk)
        if self._unchecked > _CHECK_EVERY:
            self._unchecked = 0
            _check_space(self._path, len(chunk))
        self._file.write(chunk)
        self.size += len(chunk)

    def finish(self, is_sound: Callable[[Path], bool]) -> None:
        """Rename the file to its final name, if its content is valid."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if not is_sound(self._part):
            raise _wrong("file_damaged", self._path)
        self._part.replace(self._path)

    def discard(self) -> None:
        """Close and delete an unfinished file."""
        with suppress(OSError):
            self._file.close()
            self._part.unlink(missing_ok=True)


async def async_save(hass: HomeAssistant, file: MediaFile | MediaDownload) -> Path:
    """Write a file into this integration's part of the media folder and return its path.

    Raises HomeAssistantError, and a `VendorError` where a download fails; an existing file then stays as it was.
    """
    raise_if_invalid_filename(file.name)
    if (folder := hass.config.media_dirs.get("local")) is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_media_folder",
            translation_placeholders={"file": file.name},
        )
    path = Path(folder, DOMAIN, file.name)
    pending = hass.data.setdefault(_PENDING, set())
    if path in pending:
        raise _wrong("being_saved", path)
    pending.add(path)
    try:
        await _save(hass, path, file)
    except OSError:
        raise _wrong("not_saved", path) from None
    finally:
        pending.discard(path)
    return path


async def _save(hass: HomeAssistant, path: Path, file: MediaFile | MediaDownload) -> None:
    pending: set[Path] = hass.data[_PENDING]
    opened = await hass.async_add_executor_job(
        _opened, hass, path, file.size or 0, frozenset(pending)
    )
    try:
        await file.fetch(opened.take)
        await hass.async_add_executor_job(opened.finish, file.is_sound)
    finally:
        await hass.async_add_executor_job(opened.discard)


def _opened(hass: HomeAssistant, path: Path, size: int, pending: frozenset[Path]) -> _File:
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path.parent, pending)
    if size > MAX_BYTES:
        raise _wrong("file_too_large", path)
    _check_space(path, size)
    return _File(hass, path)


def _clear(folder: Path, pending: frozenset[Path]) -> None:
    """Delete unfinished files of an earlier run."""
    growing = {_part_of(path) for path in pending}
    for part in folder.glob(".*.part"):
        if part not in growing:
            with suppress(OSError):
                part.unlink()


def _part_of(path: Path) -> Path:
    """Return the path of a file while it is written."""
    return path.with_name(f".{path.name}.part")


def _check_space(path: Path, size: int) -> None:
    if shutil.disk_usage(path.parent).free < size + RESERVE_BYTES:
        raise _wrong("no_space", path)


def _wrong(key: str, path: Path) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"file": path.name},
    )
