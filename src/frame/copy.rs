//! Octets appended to others, of lengths that are not known beforehand, by copies of lengths that are.

/// Appends `from` to `to`. What is short, as most frames are, takes two overlapping copies of a fixed length and no call.
#[inline(always)]
pub(super) fn append(to: &mut Vec<u8>, from: &[u8]) {
    match from.len() {
        16..32 => append_twice::<16>(to, from),
        32..=64 => append_twice::<32>(to, from),
        _ => to.extend_from_slice(from),
    }
}

/// The first `N` octets, then the last `N` over the end of them.
#[inline(always)]
fn append_twice<const N: usize>(to: &mut Vec<u8>, from: &[u8]) {
    let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else { return };
    let end = to.len() + from.len();
    to.extend_from_slice(first);
    to.truncate(end - N);
    to.extend_from_slice(last);
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
