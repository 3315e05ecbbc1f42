"""Read and change times and counters in MPEG-TS (ISO/IEC 13818-1)."""

from collections.abc import Iterator, Mapping

_PACKET = 188
_SYNC = 0x47
_WRAP = 1 << 33


def counted(segment: bytes) -> dict[int, int]:
    """Return how many packets with a payload each stream has."""
    counts: dict[int, int] = {}
    for start, stream in _packets(segment):
        if segment[start + 3] & 0x10:
            counts[stream] = counts.get(stream, 0) + 1
    return counts


def restamped(segment: bytes, shift: int, before: Mapping[int, int]) -> bytes:
    """Return a segment whose times are `shift` ticks later, after so many packets of each stream."""
    changed, counts = bytearray(segment), dict(before)
    for start, stream in _packets(segment):
        header = changed[start + 3]
        payload = start + 4
        if header & 0x20:
            length = changed[start + 4]
            payload = start + 5 + length
            if length and changed[start + 5] & 0x10:
                _shift_clock(changed, start + 6, shift)
        if header & 0x10:
            changed[start + 3] = header & 0xF0 | counts.get(stream, 0) & 0x0F
            counts[stream] = counts.get(stream, 0) + 1
            if changed[start + 1] & 0x40 and changed[payload : payload + 3] == b"\0\0\1":
                _shift_times(changed, payload, shift)
    return bytes(changed)


def times(segment: bytes) -> list[int]:
    """Return the presentation times in a segment, in the order of its frames."""
    found = []
    for start, _ in _packets(segment):
        payload = start + 4 + (1 + segment[start + 4] if segment[start + 3] & 0x20 else 0)
        begins = segment[start + 1] & 0x40 and segment[payload : payload + 3] == b"\0\0\1"
        if begins and segment[payload + 7] & 0x80:
            found.append(_time(segment, payload + 9))
    return found


def _packets(segment: bytes) -> Iterator[tuple[int, int]]:
    for start in range(0, len(segment), _PACKET):
        if segment[start] != _SYNC:
            raise ValueError("This is no MPEG-TS")
        yield start, (segment[start + 1] & 0x1F) << 8 | segment[start + 2]


def _shift_times(packet: bytearray, pes: int, shift: int) -> None:
    flags = packet[pes + 7]
    if flags & 0x80:
        _write_time(packet, pes + 9, _time(packet, pes + 9) + shift)
    if flags & 0x40:
        _write_time(packet, pes + 14, _time(packet, pes + 14) + shift)


def _time(data: bytes | bytearray, at: int) -> int:
    one, two = data[at + 1] << 8 | data[at + 2], data[at + 3] << 8 | data[at + 4]
    return (data[at] >> 1 & 7) << 30 | one >> 1 << 15 | two >> 1


def _write_time(data: bytearray, at: int, ticks: int) -> None:
    ticks %= _WRAP
    data[at] = data[at] & 0xF0 | ticks >> 30 << 1 | 1
    data[at + 1 : at + 3] = ((ticks >> 15 & 0x7FFF) << 1 | 1).to_bytes(2)
    data[at + 3 : at + 5] = ((ticks & 0x7FFF) << 1 | 1).to_bytes(2)


def _shift_clock(data: bytearray, at: int, shift: int) -> None:
    value = int.from_bytes(data[at : at + 6])
    base = ((value >> 15) + shift) % _WRAP
    data[at : at + 6] = (base << 15 | value & 0x7FFF).to_bytes(6)
