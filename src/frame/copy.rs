//! Octets appended to others, of lengths that are not known beforehand, by copies of lengths that are.

const PIECE: usize = 32;

/// Appends `from` to `to`. What is short, as the payloads of most frames are, takes two copies of a fixed length, the second
/// over the end of the first, and no call.
#[inline(always)]
pub(super) fn append(to: &mut Vec<u8>, from: &[u8]) {
    match (from.first_chunk::<PIECE>(), from.last_chunk::<PIECE>()) {
        (Some(first), Some(last)) if from.len() <= 2 * PIECE => {
            let second = to.len() + from.len() - PIECE;
            to.extend_from_slice(first);
            to.truncate(second);
            to.extend_from_slice(last);
        }
        _ => to.extend_from_slice(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lengths_arrive_whole_and_behind_what_was_there() {
        for length in 0..200u8 {
            let from: Vec<_> = (0..length).collect();
            let mut to = vec![9; 5];
            append(&mut to, &from);
            assert_eq!(to, [&[9; 5][..], &from].concat(), "{length} octets");
        }
    }
}
