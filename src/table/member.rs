//! Members of sets of next hops as they are given: plain ones, and protected ones, of which each has another behind it.

use super::next_hop::NextHop;
use super::rewrite::Rewrite;
use std::collections::BTreeSet;

/// A protected next hop of one router (local repair, RFC 4090 §3): every set that has it as a member follows at once when
/// it is switched to its backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protected(pub(super) u32);

/// A member of a set of next hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// Always the same.
    Plain(NextHop),
    /// The primary or the backup, whichever is in use.
    Protected(Protected),
}

impl From<NextHop> for Member {
    fn from(next_hop: NextHop) -> Self {
        Member::Plain(next_hop)
    }
}

impl From<Protected> for Member {
    fn from(protected: Protected) -> Self {
        Member::Protected(protected)
    }
}

/// A primary next hop with its backup, and everywhere that the one in use is written.
#[derive(Clone, Debug)]
pub(super) struct Protection {
    primary: NextHop,
    pub(super) backup: NextHop,
    /// Whether the backup is in use.
    pub(super) on_backup: bool,
    /// Places in the list of next hops.
    pub(super) places: Vec<u32>,
    /// Places in the list of rewrites.
    pub(super) rewrites: Vec<u32>,
    /// Labels that are swapped towards it.
    pub(super) labels: BTreeSet<u32>,
}

impl Protection {
    /// On its primary, written nowhere.
    pub(super) fn new(primary: NextHop, backup: NextHop) -> Self {
        let (places, rewrites, labels) = (Vec::new(), Vec::new(), BTreeSet::new());
        Protection { primary, backup, on_backup: false, places, rewrites, labels }
    }

    /// The next hop in use.
    pub(super) fn in_use(&self) -> NextHop {
        if self.on_backup { self.backup } else { self.primary }
    }

    /// The same, made ready for the short way.
    pub(super) fn rewrite(&self) -> Rewrite {
        Rewrite::new(&self.in_use())
    }
}
