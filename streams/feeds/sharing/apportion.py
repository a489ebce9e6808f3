"""Who of a group gets which partitions: an even share for each, of what each has already.

Kafka's round robin deals all partitions anew whenever somebody comes or goes. Here a partition
stays where it is as long as that is fair, so that a newcomer, or the end of one member, moves no
more than it must: every move means that what is known of thousands of feeds is read again. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["share_out"]


def share_out(partitions: int, claims: Mapping[str, Collection[int]]) -> dict[str, list[int]]:
    """Give every partition to one member.

    Args:
        partitions: how many there are; they are numbered from 0.
        claims: what each member has at the moment; only a wish where it is not fair, where others
            have the same, or where there is no such partition.

    Returns:
        The partitions of each member, sorted. Nobody has more than one more than another.
    """
    fair, larger = divmod(partitions, len(claims))
    free = set(range(partitions))
    shares: dict[str, list[int]] = {}
    # Those who have most come first: what cannot be dealt out evenly stays with them.
    for member in sorted(claims, key=lambda each: (-len(claims[each]), each)):
        kept = sorted(free.intersection(claims[member]))[: fair + (larger > 0)]
        larger -= len(kept) > fair
        free.difference_update(kept)
        shares[member] = kept
    for partition in sorted(free):
        poorest = min(shares, key=lambda each: (len(shares[each]), each))
        shares[poorest].append(partition)
    return {member: sorted(share) for member, share in shares.items()}
