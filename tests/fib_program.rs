//! A FIB that is changed while it is in use against one built from scratch with what is installed: the same, every time.

use biplane::frame::{DropReason, Frame, Templates};
use biplane::id::{PortId, VrfId};
use biplane::node::{Entry, Verdict, forward_long, forward_short};
use biplane::table::{
    Fib, FibBuilder, IngressBuilder, LabelAction, LabelEntry, LabelOperation, LabelPush, LabelRoute, Member, NextHop,
    NextHopSet, Payload, Protected, Service, SubInterface, TagRule, TtlModel, VlanKey,
};
use biplane::wire::mpls::{Label, Lse};
use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const VRFS: u16 = 2;
/// Labels of the map; the second half comes and goes, and the middle one is static as well.
const LABELS: [u32; 5] = [16, 17, 500, 501, 4000];
const FIRST_DYNAMIC: usize = 2;
/// Members from this place on are protected.
const PROTECTED: usize = 9;
const PAIRS: [(usize, usize); 4] = [(0, 1), (2, 3), (6, 0), (4, 7)];
const MEMBERS: usize = PROTECTED + PAIRS.len();

/// Next hops of all kinds: what the short way takes, and what it leaves to the long one.
fn next_hops() -> [NextHop; PROTECTED] {
    let push = |labels: &[u32]| LabelPush::new(labels).unwrap();
    let by = |port| NextHop::port(PortId(port));
    let mut entropy = push(&[302]);
    entropy.entropy = true;
    [
        by(0),
        by(1),
        NextHop { push: push(&[300]), ..by(2) },
        NextHop { push: push(&[300, 900]), ..by(3) },
        NextHop { push: push(&[301]), ..by(4) },
        NextHop::discard(DropReason::LinkDown),
        NextHop { push: push(&[1000, 1001, 1002, 1003]), ..by(5) },
        NextHop { push: entropy, ..by(6) },
        NextHop { tags: TagRule::Keep, mtu: 60, ..by(7) },
    ]
}

/// A label's entry, its next hops by their places.
#[derive(Clone, Debug)]
enum Operation {
    Swap(Vec<usize>),
    Pop(Payload, Vec<usize>),
    Lookup(VrfId),
}

/// What is changed.
#[derive(Clone, Debug)]
enum Change {
    /// A dynamic route gets other next hops, or none.
    Route(usize, Vec<usize>),
    /// A dynamic label gets another entry, or none.
    Label(usize, Option<(Operation, TtlModel)>),
    /// A protected next hop is switched.
    Switch(usize, bool),
}

/// What a router is given to begin with.
#[derive(Clone, Debug)]
struct Given {
    fixed: Vec<(VrfId, IpNet, Vec<usize>)>,
    declared: Vec<(VrfId, IpNet)>,
    labels: Vec<(u32, (Operation, TtlModel))>,
}

/// What is installed, in plain maps.
#[derive(Clone, Default)]
struct Installed {
    routes: BTreeMap<(VrfId, IpNet), Vec<usize>>,
    labels: BTreeMap<u32, (Operation, TtlModel)>,
    on_backup: [bool; PAIRS.len()],
}

impl Installed {
    fn next_hop(&self, member: usize) -> NextHop {
        match member.checked_sub(PROTECTED) {
            None => next_hops()[member],
            Some(pair) => next_hops()[if self.on_backup[pair] { PAIRS[pair].1 } else { PAIRS[pair].0 }],
        }
    }

    fn plain(&self, members: &[usize]) -> Vec<NextHop> {
        members.iter().map(|&member| self.next_hop(member)).collect()
    }

    /// The routes that hold: a static one where no dynamic one for the same prefix does.
    fn routes(&self, given: &Given) -> BTreeMap<(VrfId, IpNet), Vec<NextHop>> {
        let fixed = given.fixed.iter().map(|(vrf, prefix, members)| ((*vrf, *prefix), members));
        fixed.chain(self.routes.iter().map(|(at, members)| (*at, members))).map(|(at, m)| (at, self.plain(m))).collect()
    }

    /// Tables built from scratch, without anything that changes.
    fn scratch(&self, given: &Given) -> Fib {
        let mut builder = builder();
        for ((vrf, prefix), next_hops) in self.routes(given) {
            let set = builder.next_hops(&next_hops);
            builder.route(vrf, prefix, set);
        }
        for (label, (operation, model)) in given.labels.iter().map(|(label, e)| (label, e)).chain(&self.labels) {
            let action = action(operation, |members| builder.next_hops(&self.plain(members)));
            builder.label(Label::new(*label).unwrap(), LabelEntry { action, model: *model });
        }
        builder.build()
    }
}

/// A router with a port for each VRF.
fn builder() -> FibBuilder {
    let mut builder = FibBuilder::new(VRFS);
    for vrf in 0..VRFS {
        let route = SubInterface { service: Service::Route(VrfId(vrf)), mpls: true, reset_dscp: false };
        builder.ingress(&IngressBuilder::default().sub(VlanKey::Untagged, route));
    }
    builder
}

fn action(operation: &Operation, mut set: impl FnMut(&[usize]) -> NextHopSet) -> LabelAction {
    match operation {
        Operation::Swap(members) => LabelAction::Swap(set(members)),
        Operation::Pop(payload, members) => LabelAction::Pop { payload: *payload, next_hops: set(members) },
        Operation::Lookup(vrf) => LabelAction::PopLookup(*vrf),
    }
}

/// Tables that are changed.
struct Live {
    fib: Fib,
    members: Vec<Member>,
    protected: Vec<Protected>,
}

impl Live {
    fn new(given: &Given) -> Self {
        let (mut builder, hops) = (builder(), next_hops());
        let protected = PAIRS.map(|(primary, backup)| builder.protected(hops[primary], hops[backup])).to_vec();
        let plain = hops.iter().map(|&next_hop| Member::from(next_hop));
        let members: Vec<_> = plain.chain(protected.iter().map(|&protected| protected.into())).collect();
        let of = |places: &[usize]| places.iter().map(|&place| members[place]).collect::<Vec<_>>();
        for (vrf, prefix, places) in &given.fixed {
            let set = builder.next_hops(&of(places));
            builder.route(*vrf, *prefix, set);
        }
        for (label, (operation, model)) in &given.labels {
            let action = action(operation, |places| builder.next_hops(&of(places)));
            builder.label(Label::new(*label).unwrap(), LabelEntry { action, model: *model });
        }
        for &(vrf, prefix) in &given.declared {
            builder.dynamic(vrf, prefix);
        }
        for label in &LABELS[FIRST_DYNAMIC..] {
            builder.dynamic_label(Label::new(*label).unwrap());
        }
        Live { fib: builder.build(), members, protected }
    }

    fn change(&mut self, change: &Change, given: &Given, installed: &mut Installed) {
        let of = |places: &[usize]| places.iter().map(|&place| self.members[place]).collect::<Vec<_>>();
        match change {
            Change::Route(at, places) => {
                let (vrf, prefix) = given.declared[at % given.declared.len()];
                self.fib.program(vrf, prefix, &of(places)).unwrap();
                installed.routes.remove(&(vrf, prefix));
                if !places.is_empty() {
                    installed.routes.insert((vrf, prefix), places.clone());
                }
            }
            Change::Label(at, entry) => {
                let label = LABELS[FIRST_DYNAMIC + at % (LABELS.len() - FIRST_DYNAMIC)];
                installed.labels.remove(&label);
                let members = match entry {
                    Some((Operation::Swap(places) | Operation::Pop(_, places), _)) => of(places),
                    _ => Vec::new(),
                };
                let route = entry.as_ref().map(|(operation, model)| {
                    let operation = match *operation {
                        Operation::Swap(_) => LabelOperation::Swap(&members),
                        Operation::Pop(payload, _) => LabelOperation::Pop { payload, next_hops: &members },
                        Operation::Lookup(vrf) => LabelOperation::PopLookup(vrf),
                    };
                    LabelRoute { operation, model: *model }
                });
                self.fib.program_label(Label::new(label).unwrap(), route).unwrap();
                installed.labels.extend(entry.clone().map(|entry| (label, entry)));
            }
            Change::Switch(pair, to_backup) => {
                self.fib.switch(self.protected[*pair], *to_backup);
                installed.on_backup[*pair] = *to_backup;
            }
        }
    }
}

/// A packet, beneath labels if there are any.
#[derive(Clone, Debug)]
struct Probe {
    destination: IpAddr,
    labels: Vec<u32>,
    hash: u32,
}

impl Probe {
    fn frame(&self) -> Frame {
        let (ethertype, packet) = match self.destination {
            IpAddr::V4(to) => {
                let mut packet = vec![0x45, 0xb8, 0, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1];
                packet.extend(to.octets());
                biplane::wire::ipv4::fill_checksum(&mut packet);
                packet.resize(40, 0);
                ([8, 0], packet)
            }
            IpAddr::V6(to) => {
                let mut packet = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
                packet.extend("2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
                packet.extend(to.octets());
                packet.resize(48, 0);
                ([0x86, 0xdd], packet)
            }
        };
        let mut octets = vec![2; 12];
        octets.extend(if self.labels.is_empty() { ethertype } else { [0x88, 0x47] });
        for (place, &label) in self.labels.iter().enumerate() {
            octets.extend(Lse::new(label, 3, place + 1 == self.labels.len(), 9).0.to_be_bytes());
        }
        octets.extend(packet);
        let mut frame = Frame::parse(&octets, octets.len() as u32, None).unwrap().frame;
        frame.header.hash = self.hash;
        frame
    }
}

/// What becomes of a frame, and how it is then.
type Outcome = (Verdict, String);

/// By the long way alone; and by the short way, if that takes it.
fn forward_both(fib: &Fib, vrf: u16, probe: &Probe) -> (Outcome, Option<Outcome>) {
    let (templates, port) = (Templates::new(), PortId(vrf));
    let seen = |verdict, frame: &Frame| (verdict, format!("{:?} {:?}", frame.header, frame.body));
    let mut frame = probe.frame();
    let verdict = forward_long(fib, &templates, Entry::Port(port), &mut frame);
    let long = seen(verdict, &frame);
    let mut frame = probe.frame();
    let before = seen(verdict, &frame);
    let short = forward_short(fib, fib.ingress(port.index()).unwrap(), &templates, &mut frame);
    if short.is_none() {
        assert_eq!(seen(verdict, &frame), before, "the short way leaves a frame as it was");
    }
    (long, short.map(|port| seen(Verdict::Transmit(port), &frame)))
}

fn lookup(fib: &Fib, vrf: VrfId, destination: IpAddr) -> Option<&[NextHop]> {
    let set = match destination {
        IpAddr::V4(to) => fib.lookup_v4(vrf, to.to_bits()),
        IpAddr::V6(to) => fib.lookup_v6(vrf, to.to_bits()),
    };
    set.map(|set| fib.members(set))
}

/// Says nothing if both tables do the same.
fn compare(live: &Fib, scratch: &Fib, probes: &[Probe]) -> Result<(), TestCaseError> {
    for vrf in 0..VRFS {
        for probe in probes {
            let (id, to) = (VrfId(vrf), probe.destination);
            prop_assert_eq!(lookup(live, id, to), lookup(scratch, id, to), "{} in vrf {}", to, vrf);
            let route = |fib: &Fib| fib.route_to(id, to).map(|r| (r.prefix, fib.members(r.next_hops).to_vec()));
            prop_assert_eq!(route(live), route(scratch), "{} in vrf {}", to, vrf);
            let ((long, short), (long_expected, short_expected)) =
                (forward_both(live, vrf, probe), forward_both(scratch, vrf, probe));
            prop_assert_eq!(&long, &long_expected, "{:?} in vrf {}", probe, vrf);
            prop_assert!(short.is_none() || short.as_ref() == Some(&long), "{short:?} is not {long:?}");
            prop_assert!(short.is_some() || short_expected.is_none(), "{probe:?} is slower in vrf {vrf}");
        }
        let routes = |fib: &Fib| fib.routes(VrfId(vrf)).map(|(p, hops)| (p, hops.to_vec())).collect::<Vec<_>>();
        prop_assert_eq!(routes(live), routes(scratch));
    }
    let labels =
        |fib: &Fib| fib.labels().map(|(label, entry)| format!("{label} {}", described(fib, entry))).collect::<Vec<_>>();
    prop_assert_eq!(labels(live), labels(scratch));
    Ok(())
}

/// An entry with its next hops in place of their set.
fn described(fib: &Fib, entry: &LabelEntry) -> String {
    let (name, members) = match entry.action {
        LabelAction::Swap(set) => ("swap".into(), fib.members(set)),
        LabelAction::Pop { payload, next_hops } => (format!("pop {payload:?}"), fib.members(next_hops)),
        other => (format!("{other:?}"), &[] as &[_]),
    };
    format!("{name} {members:?} {:?}", entry.model)
}

/// Addresses that share leading bits often enough for prefixes to nest.
fn address() -> impl Strategy<Value = IpAddr> {
    let octet = || prop_oneof![8 => select(vec![0u8, 1, 10, 255]), 1 => any::<u8>()];
    prop_oneof![
        3 => vec(octet(), 4).prop_map(|o| Ipv4Addr::from(<[u8; 4]>::try_from(o).unwrap()).into()),
        2 => vec(octet(), 16).prop_map(|o| Ipv6Addr::from(<[u8; 16]>::try_from(o).unwrap()).into()),
    ]
}

fn prefix() -> impl Strategy<Value = (VrfId, IpNet)> {
    let length = prop_oneof![3 => select(vec![0u8, 4, 8, 9, 16, 20, 24]), 1 => 0u8..=128];
    (0..VRFS, address(), length).prop_map(|(vrf, address, length)| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        (VrfId(vrf), IpNet::new(address, length.min(most)).unwrap().trunc())
    })
}

fn members() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![4 => vec(0..MEMBERS, 1..=3), 1 => (0..MEMBERS, 0..MEMBERS).prop_map(|(a, b)| [[a, b]; 32].concat())]
}

fn entry() -> impl Strategy<Value = (Operation, TtlModel)> {
    let operation = prop_oneof![
        2 => members().prop_map(Operation::Swap),
        // Only what pushes one same label can be swapped by the short way.
        2 => vec(select(vec![2, PROTECTED + 1]), 1..=3).prop_map(Operation::Swap),
        3 => (select(vec![Payload::Ipv4, Payload::Ipv6, Payload::Labels]), members())
            .prop_map(|(payload, members)| Operation::Pop(payload, members)),
        2 => (0..VRFS).prop_map(|vrf| Operation::Lookup(VrfId(vrf))),
    ];
    (operation, select(vec![TtlModel::Uniform, TtlModel::Pipe { ttl: 255 }]))
}

fn given() -> impl Strategy<Value = Given> {
    let fixed = vec((prefix(), members()).prop_map(|((vrf, prefix), members)| (vrf, prefix, members)), 0..6);
    let labels = LABELS[..=FIRST_DYNAMIC].iter().map(|&label| entry().prop_map(move |entry| (label, entry)));
    (fixed, vec(prefix(), 1..10), labels.collect::<Vec<_>>(), any::<bool>()).prop_map(
        |(fixed, mut declared, labels, twice)| {
            if twice {
                // A static and a dynamic route for the same prefix.
                declared.extend(fixed.iter().map(|(vrf, prefix, _)| (*vrf, *prefix)));
            }
            Given { fixed, declared, labels }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<usize>(), prop_oneof![2 => members(), 1 => Just(Vec::new())])
            .prop_map(|(at, members)| Change::Route(at, members)),
        3 => (any::<usize>(), proptest::option::weighted(0.8, entry())).prop_map(|(at, e)| Change::Label(at, e)),
        2 => (0..PAIRS.len(), any::<bool>()).prop_map(|(pair, to_backup)| Change::Switch(pair, to_backup)),
    ]
}

fn probe() -> impl Strategy<Value = Probe> {
    (address(), vec(select(LABELS.to_vec()), 0..=3), any::<u32>(), any::<bool>()).prop_map(
        |(destination, labels, hash, bare)| Probe { destination, labels: if bare { vec![] } else { labels }, hash },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn changed_tables_do_what_tables_built_anew_do(given in given(), changes in vec(change(), 1..12),
            probes in vec(probe(), 24), hashes in vec(any::<u32>(), 20)) {
        let (mut live, mut installed) = (Live::new(&given), Installed::default());
        // Destinations in the prefixes themselves, which drawn ones hardly reach.
        let known = given.declared.iter().map(|d| d.1).chain(given.fixed.iter().map(|f| f.1));
        let to = known.zip(hashes.iter().cycle()).map(|(prefix, &hash)| Probe {
            destination: prefix.addr(), labels: vec![], hash,
        });
        let probes: Vec<_> = probes.into_iter().chain(to).collect();
        compare(&live.fib, &installed.scratch(&given), &probes)?;
        for change in &changes {
            live.change(change, &given, &mut installed);
            compare(&live.fib, &installed.scratch(&given), &probes)?;
        }
    }
}

/// The property above says nothing of what its tables and frames never reach: this counts what they do.
#[test]
fn the_generators_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..200 {
        let drawn = (given(), vec(change(), 12), vec(probe(), 24)).new_tree(&mut runner).expect("a case").current();
        let (given, changes, probes) = drawn;
        let (mut live, mut installed) = (Live::new(&given), Installed::default());
        changes.iter().for_each(|change| live.change(change, &given, &mut installed));
        for probe in &probes {
            for name in reached(&live.fib, &given, &installed, probe) {
                *seen.entry(name).or_default() += 1;
            }
        }
    }
    let route = ["no route", "static route", "dynamic route"];
    let all = route.iter().flat_map(|name| [format!("{name}, short false"), format!("{name} beneath an empty one")]);
    let more = ["static route, short true", "dynamic route, short true", "dynamic route on a backup"];
    let label = ["no label", "swap", "pop", "lookup"]
        .into_iter()
        .flat_map(|name| ["short false", "short true"].map(|short| format!("{name}, {short}")));
    for name in all.chain(more.map(String::from)).chain(label.filter(|name| name != "no label, short true")) {
        assert!(seen.get(&name).is_some_and(|&count| count >= 10), "{name} is hardly reached: {seen:#?}");
    }
}

/// What a probe meets in VRF 0.
fn reached(fib: &Fib, given: &Given, installed: &Installed, probe: &Probe) -> Vec<String> {
    let short = forward_both(fib, 0, probe).1.is_some();
    if let Some(&top) = probe.labels.first() {
        let fixed = given.labels.iter().find(|(label, _)| *label == top).map(|(_, entry)| entry);
        let name = match installed.labels.get(&top).or(fixed).map(|(operation, _)| operation) {
            None => "no label",
            Some(Operation::Swap(_)) => "swap",
            Some(Operation::Pop(..)) => "pop",
            Some(Operation::Lookup(_)) => "lookup",
        };
        return vec![format!("{name}, short {short}")];
    }
    let found = fib.route_to(VrfId(0), probe.destination).map(|route| route.prefix);
    let members = found.and_then(|prefix| installed.routes.get(&(VrfId(0), prefix)));
    let name = match (found, members) {
        (None, _) => "no route",
        (_, None) => "static route",
        (_, Some(_)) => "dynamic route",
    };
    let mut names = vec![format!("{name}, short {short}")];
    let is_longer = |prefix: &IpNet| found.is_none_or(|found| prefix.prefix_len() > found.prefix_len());
    if given.declared.iter().any(|(vrf, p)| vrf.0 == 0 && p.contains(&probe.destination) && is_longer(p)) {
        names.push(format!("{name} beneath an empty one"));
    }
    let is_backup = |&member: &usize| member.checked_sub(PROTECTED).is_some_and(|pair| installed.on_backup[pair]);
    if members.is_some_and(|members| members.iter().any(is_backup)) {
        names.push(format!("{name} on a backup"));
    }
    names
}
