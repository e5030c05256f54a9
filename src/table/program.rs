//! Changes to a FIB that is in use: routes, labels and protected next hops; what was not declared when it was built stays.

use super::dynamic::{Beneath, DynamicRoutes, Fixed};
use super::fib::{Fib, LabelAction, LabelEntry, NextHopSet, Payload, RouteEntry};
use super::member::{Member, Protected, Protection};
use super::next_hop::{NextHop, TtlModel};
use super::ready::Group;
use super::rewrite::Rewrite;
use crate::id::VrfId;
use crate::wire::mpls::Label;
use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};

/// Why a table cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The tables have no slot for this prefix.
    #[error("{prefix} in vrf {vrf} has no slot: declare it with FibBuilder::dynamic before the tables are built")]
    Prefix {
        /// The VRF.
        vrf: VrfId,
        /// The prefix.
        prefix: IpNet,
    },
    /// The label map has no room for this label.
    #[error("label {0} has no room: declare it with FibBuilder::dynamic_label before the tables are built")]
    Label(u32),
    /// A label was to be swapped or popped towards no next hop.
    #[error("label {0} has no next hop: give one, or take the entry away")]
    NoNextHop(u32),
}

/// What is done with a label, its next hops given as they are: see [`LabelAction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelOperation<'a> {
    /// It is replaced by the labels of the next hop.
    Swap(&'a [Member]),
    /// It is popped and what lies beneath goes to the next hop.
    Pop {
        /// What lies beneath the last label.
        payload: Payload,
        /// Where to.
        next_hops: &'a [Member],
    },
    /// It is popped and what lies beneath is looked up.
    PopLookup(VrfId),
}

/// An entry for the label map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRoute<'a> {
    /// What is done.
    pub operation: LabelOperation<'a>,
    /// How TTL and TC go over to what lies beneath.
    pub model: TtlModel,
}

/// What programming needs to know, and forwarding never reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    routes: DynamicRoutes,
    labels: HashMap<u32, DynamicLabel>,
    /// Every set that was ever programmed, once: the tables grow with the number of different ones only.
    known: HashMap<Box<[Member]>, Known>,
    protections: Vec<Protection>,
    /// The places in the list of next hops that have a protected one.
    protected_at: BTreeMap<u32, Protected>,
}

/// A set that has been programmed.
#[derive(Clone, Copy, Debug)]
struct Known {
    set: NextHopSet,
    /// Made when a route or a pop leads there first: swaps have groups of their own.
    group: Option<Group>,
}

/// A label whose entry comes and goes.
#[derive(Clone, Copy, Debug)]
struct DynamicLabel {
    /// The place in the list of entries, once it had one.
    entry: Option<u32>,
    /// The place among the routes that is its own: where a pop leads.
    route: u32,
    /// The place of the static entry that holds without, and where its pop leads.
    fixed: Option<(u32, u32)>,
}

impl Program {
    /// For the next hops of a builder; and these as they are to begin with.
    pub(super) fn new(members: &[Member], protected: &[(NextHop, NextHop)]) -> (Self, Vec<NextHop>) {
        let protections = protected.iter().map(|&(primary, backup)| Protection::new(primary, backup)).collect();
        let mut program = Program { protections, ..Program::default() };
        let next_hops = (0..).zip(members).map(|(place, &member)| program.placed(member, place)).collect();
        (program, next_hops)
    }

    /// The next hop that `member` is now; the place in the list where it comes to stand is remembered.
    fn placed(&mut self, member: Member, place: u32) -> NextHop {
        match member {
            Member::Plain(next_hop) => next_hop,
            Member::Protected(protected) => {
                let protection = &mut self.protections[protected.0 as usize];
                protection.places.push(place);
                self.protected_at.insert(place, protected);
                protection.in_use()
            }
        }
    }

    /// The dynamic routes of `vrf` that have next hops.
    pub(super) fn installed(&self, vrf: VrfId) -> impl Iterator<Item = RouteEntry> {
        let routes = self.routes.iter().filter(move |route| route.vrf == vrf && !route.own.is_empty());
        routes.map(|route| RouteEntry { prefix: route.prefix, next_hops: route.own })
    }

    /// All dynamic routes with their slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = (VrfId, IpNet, u32)> {
        self.routes.iter().map(|route| (route.vrf, route.prefix, route.slot))
    }
}

/// How the tables are changed.
impl Fib {
    /// Gives the dynamic route for `prefix` these next hops of equal cost; without any it is withdrawn. One may be given
    /// several times, as its weight. It costs as many writes as there are empty routes that show this one; and for a set
    /// that was never programmed, its members once more.
    ///
    /// # Errors
    /// The prefix was not declared.
    ///
    /// # Panics
    /// A next hop is one that another router protects.
    pub fn program<M: Copy + Into<Member>>(
        &mut self,
        vrf: VrfId,
        prefix: IpNet,
        next_hops: &[M],
    ) -> Result<(), ProgramError> {
        let place = self.program.routes.place(vrf, prefix).ok_or(ProgramError::Prefix { vrf, prefix })?;
        if next_hops.is_empty() {
            self.program.routes.own(place, NextHopSet::NONE);
            let (set, group) = self.beneath(place);
            self.show(place, set, group);
            return Ok(());
        }
        let members: Vec<Member> = next_hops.iter().map(|&member| member.into()).collect();
        let (set, group) = self.route_of(&members);
        self.program.routes.own(place, set);
        self.show(place, set, group);
        Ok(())
    }

    /// Takes the next hops of the dynamic route for `prefix` away.
    ///
    /// # Errors
    /// The prefix was not declared.
    pub fn withdraw(&mut self, vrf: VrfId, prefix: IpNet) -> Result<(), ProgramError> {
        self.program::<Member>(vrf, prefix, &[])
    }

    /// Gives a dynamic label this entry; with `None` the label is unknown, or has its static entry again.
    ///
    /// # Errors
    /// The label was not declared; or there is no next hop to go to.
    ///
    /// # Panics
    /// A next hop is one that another router protects.
    pub fn program_label(&mut self, label: Label, route: Option<LabelRoute<'_>>) -> Result<(), ProgramError> {
        let label = label.get();
        let known = *self.program.labels.get(&label).ok_or(ProgramError::Label(label))?;
        let Some(LabelRoute { operation, model }) = route else {
            self.forget_label(label);
            if let Some((entry, route)) = known.fixed {
                self.set_label(label, entry, route);
            }
            return Ok(());
        };
        let action = match operation {
            LabelOperation::Swap([]) | LabelOperation::Pop { next_hops: [], .. } => {
                return Err(ProgramError::NoNextHop(label));
            }
            LabelOperation::Swap(members) => LabelAction::Swap(self.set_of(members)),
            LabelOperation::Pop { payload, next_hops } => {
                let (next_hops, group) = self.route_of(next_hops);
                self.ready.set_route(known.route, group);
                LabelAction::Pop { payload, next_hops }
            }
            LabelOperation::PopLookup(vrf) => LabelAction::PopLookup(vrf),
        };
        self.forget_label(label);
        let entry = LabelEntry { action, model };
        let place = match known.entry {
            Some(place) => {
                self.label_entries[place as usize] = entry;
                place
            }
            None => {
                self.label_entries.push(entry);
                let place = self.label_entries.len() as u32 - 1;
                self.program.labels.insert(label, DynamicLabel { entry: Some(place), ..known });
                place
            }
        };
        self.set_label(label, place, known.route);
        Ok(())
    }

    /// Puts a protected next hop on its backup, or back on its primary, in every set that has it: the cost depends on the
    /// number of different sets and of swapped labels, not on that of routes.
    ///
    /// # Panics
    /// Another router protects it.
    pub fn switch(&mut self, protected: Protected, to_backup: bool) {
        let protection = &mut self.program.protections[protected.0 as usize];
        protection.on_backup = to_backup;
        for &place in &protection.places {
            self.next_hops[place as usize] = protection.in_use();
        }
        for &place in &protection.rewrites {
            self.ready.rewrite(place, protection.rewrite());
        }
        for &label in &protection.labels {
            let entry = self.label_entries[self.label_slots[label as usize] as usize - 1];
            if let LabelAction::Swap(set) = entry.action {
                self.ready.set_label(label, &entry, set.members(&self.next_hops), 0);
            }
        }
    }

    /// Gives a protected next hop another backup, which is in use at once if the one before was.
    ///
    /// # Panics
    /// Another router protects it.
    pub fn set_backup(&mut self, protected: Protected, backup: NextHop) {
        let protection = &mut self.program.protections[protected.0 as usize];
        protection.backup = backup;
        if protection.on_backup {
            self.switch(protected, true);
        }
    }

    /// The routes of `vrf` that are installed now, with their next hops, in the order of their prefixes.
    pub fn routes(&self, vrf: VrfId) -> impl Iterator<Item = (IpNet, &[NextHop])> {
        let installed: BTreeMap<_, _> = self.installed(vrf).map(|route| (route.prefix, route.next_hops)).collect();
        installed.into_iter().map(|(prefix, set)| (prefix, self.members(set)))
    }

    /// The labels that have an entry now, in order.
    pub fn labels(&self) -> impl Iterator<Item = (u32, &LabelEntry)> {
        (0..).zip(&self.label_slots).filter_map(|(label, _)| Some((label, self.label(label)?)))
    }

    /// Whether any next hop at these places is the backup of a protected one.
    pub(super) fn is_on_backup(&self, places: std::ops::Range<u32>) -> bool {
        let protected = self.program.protected_at.range(places);
        protected.into_iter().any(|(_, protected)| self.program.protections[protected.0 as usize].on_backup)
    }

    /// What the route at `place` shows while it is empty.
    fn beneath(&self, place: u32) -> (NextHopSet, Group) {
        let slot = match self.program.routes.at(place).beneath {
            Beneath::Miss => return (NextHopSet::NONE, Group::NONE),
            Beneath::Static(slot) => slot,
            Beneath::Dynamic(shorter) => self.program.routes.at(shorter).slot,
        };
        (self.sets[slot as usize], self.ready.route(slot))
    }

    fn show(&mut self, place: u32, set: NextHopSet, group: Group) {
        self.program.routes.showing(place, |slot| {
            self.sets[slot as usize] = set;
            self.ready.set_route(slot, group);
        });
    }

    /// The set of these members: the same for the same ones.
    fn set_of(&mut self, members: &[Member]) -> NextHopSet {
        if let Some(known) = self.program.known.get(members) {
            return known.set;
        }
        let set = NextHopSet::run(self.next_hops.len() as u32, members.len() as u32);
        for (place, &member) in set.places().zip(members) {
            let next_hop = self.program.placed(member, place);
            self.next_hops.push(next_hop);
        }
        self.program.known.insert(members.into(), Known { set, group: None });
        set
    }

    /// The set of these members, and its group.
    fn route_of(&mut self, members: &[Member]) -> (NextHopSet, Group) {
        if let Some(&Known { set, group: Some(group) }) = self.program.known.get(members) {
            return (set, group);
        }
        let set = self.set_of(members);
        let group = self.group(set);
        self.program.known.insert(members.into(), Known { set, group: Some(group) });
        (set, group)
    }

    /// A group of its own for `set`. With a protected member, it has a place for every member: any may become usable.
    fn group(&mut self, set: NextHopSet) -> Group {
        let members = set.members(&self.next_hops);
        if self.program.protected_at.range(set.places()).next().is_none() {
            return self.ready.group(members);
        }
        let rewrites: Vec<_> = members.iter().map(Rewrite::new).collect();
        let group = self.ready.own_group(&rewrites);
        for (place, protected) in self.program.protected_at.range(set.places()) {
            let at = group.first() + (place - set.places().start);
            self.program.protections[protected.0 as usize].rewrites.push(at);
        }
        group
    }

    /// Enters the entry at `place` for `label`, which has none; a pop leads to `route`.
    fn set_label(&mut self, label: u32, place: u32, route: u32) {
        let entry = self.label_entries[place as usize];
        self.label_slots[label as usize] = place + 1;
        let members = match entry.action {
            LabelAction::Swap(set) => {
                for protected in self.program.protected_at.range(set.places()).map(|(_, protected)| protected.0) {
                    self.program.protections[protected as usize].labels.insert(label);
                }
                set.members(&self.next_hops)
            }
            _ => &[],
        };
        self.ready.set_label(label, &entry, members, route);
    }

    /// Takes away what `label` has, in all tables.
    fn forget_label(&mut self, label: u32) {
        if let Some(&LabelEntry { action: LabelAction::Swap(set), .. }) = self.label(label) {
            for protected in self.program.protected_at.range(set.places()).map(|(_, protected)| protected.0) {
                self.program.protections[protected as usize].labels.remove(&label);
            }
        }
        self.label_slots[label as usize] = 0;
        self.ready.clear_label(label);
    }
}

/// How the tables are built.
impl Fib {
    /// Adds a set to those that routes and pops lead to; its place.
    pub(super) fn add_set(&mut self, set: NextHopSet) -> u32 {
        let group = if set.is_empty() { Group::NONE } else { self.group(set) };
        self.ready.add_route(group);
        self.sets.push(set);
        self.sets.len() as u32 - 1
    }

    /// Adds a static label; its pop leads to the set at `route`.
    pub(super) fn add_label(&mut self, label: u32, entry: LabelEntry, route: u32) {
        self.forget_label(label);
        self.label_entries.push(entry);
        self.set_label(label, self.label_entries.len() as u32 - 1, route);
    }

    /// Makes room for labels that come and go; the pop of a static entry leads to the set at the place that `places` has.
    pub(super) fn declare_labels(&mut self, labels: &[u32], places: &HashMap<NextHopSet, u32>) {
        for &label in labels {
            if self.program.labels.contains_key(&label) {
                continue;
            }
            let fixed = self.label(label).map(|entry| match entry.action {
                LabelAction::Pop { next_hops, .. } => places[&next_hops],
                _ => 0,
            });
            let fixed = fixed.map(|route| (self.label_slots[label as usize] - 1, route));
            let route = self.add_set(NextHopSet::NONE);
            self.program.labels.insert(label, DynamicLabel { entry: None, route, fixed });
        }
    }

    /// Makes room for routes that come and go.
    pub(super) fn declare_routes(&mut self, declared: &[(VrfId, IpNet)], fixed: impl Iterator<Item = Fixed>) {
        self.program.routes = DynamicRoutes::new(declared, fixed, self.sets.len() as u32);
        for place in 0..self.program.routes.len() {
            let (set, group) = self.beneath(place);
            self.sets.push(set);
            self.ready.add_route(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PortId;
    use crate::table::{FibBuilder, LabelPush, Target};

    const VRF: VrfId = VrfId(0);

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn by(port: u16) -> NextHop {
        NextHop::port(PortId(port))
    }

    fn ports(next_hops: &[NextHop]) -> Vec<u16> {
        let port = |next_hop: &NextHop| match next_hop.target {
            Target::Port(port) => port.0,
            other => panic!("{other:?} is no port"),
        };
        next_hops.iter().map(port).collect()
    }

    /// The ports that 10.1.2.3 leaves by.
    fn way(fib: &Fib) -> Vec<u16> {
        fib.lookup_v4(VRF, 0x0a01_0203).map_or(Vec::new(), |set| ports(fib.members(set)))
    }

    #[test]
    fn an_empty_route_lets_the_next_shorter_one_through() {
        let mut builder = FibBuilder::new(1);
        let fixed = builder.next_hops(&[by(1)]);
        builder.route(VRF, net("10.1.0.0/16"), fixed);
        for prefix in ["0.0.0.0/0", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32"] {
            builder.dynamic(VRF, net(prefix));
        }
        let mut fib = builder.build();
        let mut after = |prefix, next_hops: &[NextHop]| {
            fib.program(VRF, net(prefix), next_hops).unwrap();
            way(&fib)
        };
        assert_eq!(after("0.0.0.0/0", &[by(9)]), [1], "the static route is longer");
        assert_eq!(after("10.1.0.0/16", &[by(2), by(3)]), [2, 3], "of the same length, the dynamic one holds");
        assert_eq!(after("10.1.2.3/32", &[by(5)]), [5]);
        assert_eq!(after("10.1.2.0/24", &[by(4)]), [5]);
        assert_eq!(after("10.1.2.3/32", &[]), [4]);
        assert_eq!(after("10.1.2.0/24", &[]), [2, 3]);
        assert_eq!(after("10.1.0.0/16", &[]), [1]);
        let routes: Vec<_> = fib.routes(VRF).map(|(prefix, _)| prefix.to_string()).collect();
        assert_eq!(routes[..3], ["0.0.0.0/0", "0.0.0.0/8", "10.1.0.0/16"]);
    }

    #[test]
    fn a_switch_moves_all_that_leads_to_a_protected_next_hop() {
        let mut builder = FibBuilder::new(1);
        let labels = |labels: &[u32]| LabelPush::new(labels).unwrap();
        let (primary, backup) =
            (NextHop { push: labels(&[300]), ..by(1) }, NextHop { push: labels(&[300, 900]), ..by(2) });
        let protected = builder.protected(primary, backup);
        let pair = builder.next_hops(&[Member::from(protected), by(7).into()]);
        let (dynamic, label) = (net("10.1.0.0/16"), Label::new(16).unwrap());
        builder.route(VRF, net("10.0.0.0/8"), pair).dynamic(VRF, dynamic).dynamic_label(label);
        let circuit = builder.next_hop(protected);
        let mut fib = builder.build();
        let operation = LabelOperation::Swap(&[protected.into()]);
        fib.program_label(label, Some(LabelRoute { operation, model: TtlModel::Uniform })).unwrap();
        fib.program(VRF, dynamic, &[protected]).unwrap();
        let now = |fib: &Fib| {
            let all: Vec<_> = fib.routes(VRF).filter(|(prefix, _)| net("10.0.0.0/8").contains(prefix)).collect();
            let word = fib.ready().label(16).word() != 0;
            (ports(all[0].1), ports(all[1].1), ports(&[*fib.next_hop(circuit)]), word)
        };
        assert_eq!(now(&fib), (vec![1, 7], vec![1], vec![1], true));
        fib.switch(protected, true);
        assert_eq!(now(&fib), (vec![2, 7], vec![2], vec![2], false), "two labels are left to the long way");
        fib.switch(protected, false);
        assert_eq!(now(&fib), (vec![1, 7], vec![1], vec![1], true));
        // Another backup is taken at the next switch, or at once.
        fib.set_backup(protected, NextHop { push: labels(&[300]), ..by(3) });
        assert_eq!(now(&fib), (vec![1, 7], vec![1], vec![1], true));
        fib.switch(protected, true);
        assert_eq!(now(&fib), (vec![3, 7], vec![3], vec![3], true));
        fib.set_backup(protected, backup);
        assert_eq!(now(&fib), (vec![2, 7], vec![2], vec![2], false));
    }

    #[test]
    fn what_was_not_declared_is_refused_and_changes_nothing() {
        let label = |label| Label::new(label).unwrap();
        let mut builder = FibBuilder::new(1);
        builder.dynamic(VRF, net("10.0.0.0/8")).dynamic_label(label(16));
        let mut fib = builder.build();
        let error = fib.program(VRF, net("10.0.0.0/9"), &[by(1)]).unwrap_err();
        let says = "10.0.0.0/9 in vrf 0 has no slot: declare it with FibBuilder::dynamic before the tables are built";
        assert_eq!(error.to_string(), says);
        assert!(fib.withdraw(VrfId(1), net("10.0.0.0/8")).is_err());
        assert_eq!(fib.program_label(label(17), None), Err(ProgramError::Label(17)));
        let nowhere = LabelRoute { operation: LabelOperation::Swap(&[]), model: TtlModel::Uniform };
        assert_eq!(fib.program_label(label(16), Some(nowhere)), Err(ProgramError::NoNextHop(16)));
        assert_eq!((way(&fib), fib.labels().count()), (vec![], 0));
    }

    #[test]
    fn the_largest_label_comes_and_goes() {
        let label = Label::new(crate::wire::mpls::MAX_LABEL).unwrap();
        let mut fib = FibBuilder::new(1).dynamic_label(label).dynamic_label(label).build();
        let here = LabelRoute { operation: LabelOperation::PopLookup(VRF), model: TtlModel::Uniform };
        for route in [Some(here), None, Some(here)] {
            fib.program_label(label, route).unwrap();
            let labels: Vec<_> = fib.labels().map(|(label, _)| label).collect();
            assert_eq!(labels, route.map_or(vec![], |_| vec![label.get()]));
            assert_eq!(fib.ready().label(label.get()).word() != 0, route.is_some());
        }
    }
}
