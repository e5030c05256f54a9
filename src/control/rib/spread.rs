//! Which next hop each bucket of a flow hash belongs to, so that a change of next hops moves as few flows as can be.

/// A fixed number of buckets, each with one of the members that stand for next hops. A flow goes to the bucket that its
/// hash names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets<T> {
    owners: Vec<Option<T>>,
}

impl<T: Copy + Ord> Buckets<T> {
    /// `count` buckets without a member; `count` is not 0.
    pub fn new(count: usize) -> Self {
        assert!(count > 0, "flows need a bucket");
        Buckets { owners: vec![None; count] }
    }

    /// Makes `members` (none twice) the members, and moves as few buckets as an even spread allows: those of members
    /// that are gone go to whoever has least, and then whoever has most gives to whoever has least until no two differ
    /// by more than one. A member that leaves an even spread moves its own buckets and no other; one that joins k - 1
    /// others takes `count / k` rounded down. Ties go to the lesser member and the later bucket. Returns how many
    /// buckets changed their member.
    pub fn set(&mut self, members: &[T]) -> usize {
        let mut loads: Vec<(T, Vec<usize>)> = members.iter().map(|member| (*member, Vec::new())).collect();
        loads.sort_unstable_by_key(|(member, _)| *member);
        assert!(loads.windows(2).all(|pair| pair[0].0 != pair[1].0), "a member stands once");
        let before = self.owners.clone();
        let mut free = Vec::new();
        for (bucket, owner) in self.owners.iter_mut().enumerate() {
            match owner.and_then(|owner| loads.binary_search_by_key(&owner, |(member, _)| *member).ok()) {
                Some(place) => loads[place].1.push(bucket),
                None => {
                    *owner = None;
                    free.push(bucket);
                }
            }
        }
        if loads.is_empty() {
            return before.iter().flatten().count();
        }
        for bucket in free {
            let to = least(&loads);
            loads[to].1.push(bucket);
            self.owners[bucket] = Some(loads[to].0);
        }
        loop {
            let (from, to) = (most(&loads), least(&loads));
            if loads[from].1.len() <= loads[to].1.len() + 1 {
                break;
            }
            let bucket = loads[from].1.pop().expect("it has two more than another");
            loads[to].1.push(bucket);
            self.owners[bucket] = Some(loads[to].0);
        }
        self.changed(&before)
    }

    /// The member of each bucket; `None` where there are no members.
    pub fn owners(&self) -> &[Option<T>] {
        &self.owners
    }

    fn changed(&self, before: &[Option<T>]) -> usize {
        self.owners.iter().zip(before).filter(|(now, then)| now != then).count()
    }
}

fn least<T>(loads: &[(T, Vec<usize>)]) -> usize {
    (0..loads.len()).min_by_key(|place| (loads[*place].1.len(), *place)).expect("there is a member")
}

fn most<T>(loads: &[(T, Vec<usize>)]) -> usize {
    (0..loads.len()).min_by_key(|place| (std::cmp::Reverse(loads[*place].1.len()), *place)).expect("there is a member")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn loads(buckets: &Buckets<u8>, members: &BTreeSet<u8>) -> Vec<usize> {
        members.iter().map(|m| buckets.owners().iter().filter(|owner| **owner == Some(*m)).count()).collect()
    }

    proptest! {
        #[test]
        fn leaves_and_joins_move_no_more_than_they_must(count in 1usize..130, steps in prop::collection::vec(0u8..9, 1..40)) {
            let mut buckets = Buckets::new(count);
            let mut members = BTreeSet::new();
            for step in steps {
                let before = buckets.clone();
                let leaves = members.contains(&step);
                if !leaves { members.insert(step); } else { members.remove(&step); }
                let moved = buckets.set(&members.iter().rev().copied().collect::<Vec<_>>());
                let now = loads(&buckets, &members);
                if members.is_empty() {
                    prop_assert!(buckets.owners().iter().all(Option::is_none));
                    continue;
                }
                prop_assert_eq!(now.iter().sum::<usize>(), count);
                prop_assert!(now.iter().max().unwrap() - now.iter().min().unwrap() <= 1);
                let touched: Vec<_> = (0..count).filter(|b| buckets.owners()[*b] != before.owners()[*b]).collect();
                prop_assert_eq!(touched.len(), moved);
                if leaves {
                    let left: Vec<_> = (0..count).filter(|b| before.owners()[*b] == Some(step)).collect();
                    prop_assert_eq!(touched, left);
                } else if members.len() > 1 {
                    prop_assert_eq!(moved, count / members.len());
                    prop_assert!(touched.iter().all(|b| buckets.owners()[*b] == Some(step)));
                }
            }
        }
    }

    #[test]
    fn a_member_that_returns_takes_an_even_share() {
        let mut buckets = Buckets::new(8);
        assert_eq!(buckets.set(&["a", "b"]), 8);
        assert_eq!(buckets.owners().iter().flatten().copied().collect::<String>(), "abababab");
        assert_eq!(buckets.set(&["b"]), 4);
        assert_eq!(buckets.set(&["a", "b"]), 4);
        assert_eq!(buckets.set(&["c", "d"]), 8);
        assert_eq!(buckets.set(&[]), 8);
    }
}
