"""An order in which every beginning is spread over the whole."""


def spread_order(count: int) -> list[int]:
    """Order 0..count-1 so that every beginning of the list is spread over the whole range (bit reversal)."""
    bits = max(1, (count - 1).bit_length())
    reversed_bits = (int(format(i, f"0{bits}b")[::-1], 2) for i in range(1 << bits))
    return [i for i in reversed_bits if i < count]
