//! Octets appended to others, of lengths that are not known beforehand, by copies of lengths that are.

/// The longest that is copied so.
pub(super) const SHORT: usize = 2 * PIECE;
const PIECE: usize = 32;

/// Copies `from` into `room` from `at` on, if it is 32 to 64 octets long, as the payloads of most frames are: two copies of
/// a fixed length, the second over the end of the first, and no call. Says where it ends.
#[inline(always)]
pub(super) fn short<const N: usize>(room: &mut [u8; N], at: usize, from: &[u8]) -> Option<usize> {
    let (first, last) = (from.first_chunk::<PIECE>()?, from.last_chunk::<PIECE>()?);
    let end = at + from.len();
    if from.len() > SHORT || end > N {
        return None;
    }
    room[at..at + PIECE].copy_from_slice(first);
    room[end - PIECE..end].copy_from_slice(last);
    Some(end)
}

/// Makes `to` the same as `from`.
#[inline(always)]
pub(super) fn replace(to: &mut Vec<u8>, from: &[u8]) {
    to.clear();
    to.extend_from_slice(&[0; SHORT]);
    let end = to.first_chunk_mut::<SHORT>().and_then(|room| short(room, 0, from));
    to.truncate(end.unwrap_or(0));
    if end.is_none() {
        to.extend_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lengths_arrive_whole_and_nothing_stays_of_what_was_there() {
        for length in 0..200u8 {
            let from: Vec<_> = (0..length).collect();
            let mut to = vec![9; 70];
            replace(&mut to, &from);
            assert_eq!(to, from, "{length} octets");
        }
    }

    #[test]
    fn what_is_not_short_or_has_no_room_is_left_alone() {
        let from = [7; 100];
        for (at, length, end) in [(0, 31, None), (3, 32, Some(35)), (16, 64, Some(80)), (17, 64, None), (0, 65, None)] {
            let mut room = [0; 80];
            assert_eq!(short(&mut room, at, &from[..length]), end, "{length} octets at {at}");
            assert_eq!(room.iter().filter(|&&octet| octet == 7).count(), end.map_or(0, |_| length));
        }
    }
}
