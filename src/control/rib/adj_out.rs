//! What a peer was told and what it must be told: changes only, withdrawals first, no sooner than its interval allows.

use crate::control::route::{Attributes, Family, Nlri, RouteUpdate};
use crate::id::VrfId;
use crate::time::{Instant, Span};
use ipnet::IpNet;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A route that a peer can be told of: VPN peers hear of all VRFs.
pub(super) type OutKey = (VrfId, IpNet);

/// Adj-RIB-Out (RFC 4271 §3.2).
#[derive(Clone, Debug, Default)]
pub(super) struct AdjOut {
    sent: BTreeMap<OutKey, (Nlri, Arc<Attributes>)>,
    /// What may have changed since, and whether it is to be sent even if it has not.
    touched: BTreeMap<OutKey, bool>,
    /// When the first of these was touched.
    since: Instant,
    /// When the interval since the last set ends.
    not_before: Instant,
    /// The first full set is still to be sent.
    is_first: bool,
    /// What is to be handed out, and since when.
    batch: VecDeque<RouteUpdate>,
    built: Instant,
}

impl AdjOut {
    /// A new session, that was told nothing.
    pub(super) fn begin(&mut self, now: Instant, all: impl Iterator<Item = OutKey>) {
        *self = AdjOut { is_first: true, since: now, ..AdjOut::default() };
        self.touched.extend(all.map(|key| (key, false)));
    }

    /// The session is gone.
    pub(super) fn end(&mut self) {
        *self = AdjOut::default();
    }

    pub(super) fn touch(&mut self, now: Instant, key: OutKey) {
        if self.touched.is_empty() && !self.is_first {
            self.since = now;
        }
        self.touched.entry(key).or_insert(false);
    }

    /// Everything is sent again (RFC 2918 §4): `all` that there is, and what was sent.
    pub(super) fn refresh(&mut self, now: Instant, all: impl Iterator<Item = OutKey>) {
        if self.touched.is_empty() && !self.is_first {
            self.since = now;
        }
        let sent: Vec<OutKey> = self.sent.keys().copied().collect();
        self.touched.extend(all.chain(sent).map(|key| (key, true)));
    }

    pub(super) fn advertised(&self) -> usize {
        self.sent.len()
    }

    /// What the peer was told, with what is still in the batch.
    pub(super) fn sent(&self) -> impl Iterator<Item = &(Nlri, Arc<Attributes>)> {
        self.sent.values()
    }

    pub(super) fn pop(&mut self) -> Option<RouteUpdate> {
        self.batch.pop_front()
    }

    /// Whether a set can be built.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        (self.is_first || !self.touched.is_empty()) && now >= self.not_before
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if !self.batch.is_empty() {
            return Some(self.built);
        }
        (self.is_first || !self.touched.is_empty()).then(|| self.since.max(self.not_before))
    }

    /// What was touched, to be said `wanted` of; nothing is touched any more.
    pub(super) fn take_touched(&mut self) -> BTreeMap<OutKey, bool> {
        std::mem::take(&mut self.touched)
    }

    /// Builds the set of updates that makes the peer believe `wanted` of each touched key, one for each set of equal
    /// attributes, in order of their first prefixes.
    pub(super) fn build(
        &mut self,
        now: Instant,
        interval: Span,
        families: &[Family],
        wanted: impl Iterator<Item = (OutKey, bool, Option<(Nlri, Arc<Attributes>)>)>,
    ) {
        let mut withdrawn: BTreeMap<Family, Vec<Nlri>> = BTreeMap::new();
        let mut groups: Vec<(Arc<Attributes>, Vec<Nlri>)> = Vec::new();
        let mut places: BTreeMap<(Family, Arc<Attributes>), usize> = BTreeMap::new();
        for (key, is_forced, wanted) in wanted {
            match wanted {
                None => {
                    if let Some((nlri, _)) = self.sent.remove(&key) {
                        withdrawn.entry(nlri.family()).or_default().push(nlri);
                    }
                }
                Some((nlri, attributes)) => {
                    if !is_forced && self.sent.get(&key).is_some_and(|(_, sent)| *sent == attributes) {
                        continue;
                    }
                    let place = *places.entry((nlri.family(), attributes.clone())).or_insert_with(|| {
                        groups.push((attributes, Vec::new()));
                        groups.len() - 1
                    });
                    groups[place].1.push(nlri);
                    self.sent.insert(key, (nlri, groups[place].0.clone()));
                }
            }
        }
        self.batch.extend(withdrawn.into_values().map(|withdrawn| RouteUpdate { withdrawn, ..RouteUpdate::default() }));
        self.batch.extend(groups.into_iter().map(|(attributes, announced)| RouteUpdate {
            announced,
            attributes: Some(attributes),
            ..RouteUpdate::default()
        }));
        if !self.batch.is_empty() {
            self.not_before = now.saturating_add(interval);
        }
        if std::mem::take(&mut self.is_first) {
            let ends =
                families.iter().map(|family| RouteUpdate { end_of_rib: Some(*family), ..RouteUpdate::default() });
            self.batch.extend(ends);
        }
        self.built = now;
    }
}
