//! A slow, obvious router that decides over all it ever heard, against the machine, over random histories.

use super::*;
use crate::control::route::Origin;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PREFIXES: [&str; 3] = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/24"];
/// AS 1, 1, 2, 3, then two internal ones.
const PEERS: usize = 6;
const REMOTE: [u32; 4] = [1, 1, 2, 3];

/// A route as a peer says it: small numbers, so that ties are common.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    path: Vec<u32>,
    next_hop: u8,
    med: Option<u32>,
    local_pref: Option<u32>,
    origin: u8,
    community: Option<u32>,
}

#[derive(Clone, Debug)]
enum Step {
    Up(usize),
    Down(usize),
    Say(usize, usize, Said),
    Withdraw(usize, usize),
    NextHop(u8, bool),
    Originate(usize, bool),
    Import(usize, Option<u32>, u32),
    Export(usize, u8),
    Refresh(usize),
    Wait(u64),
}

#[derive(Clone, Copy, Debug)]
struct Setting {
    decision: DecisionConfig,
    delay: u64,
    per_prefix: u64,
    interval: u64,
}

fn said() -> impl Strategy<Value = Said> {
    let path = prop_oneof![4 => prop::collection::vec(1u32..4, 1..3), 1 => Just(vec![]), 1 => Just(vec![2, 12_076])];
    let community = prop_oneof![
        6 => Just(None),
        1 => prop::sample::select(vec![NO_EXPORT, NO_ADVERTISE, GRACEFUL_SHUTDOWN, 77]).prop_map(Some)
    ];
    (path, 1u8..4, prop::option::of(0u32..2), prop::option::of(99u32..102), 0u8..2, community).prop_map(
        |(path, next_hop, med, local_pref, origin, community)| Said {
            path,
            next_hop,
            med,
            local_pref,
            origin,
            community,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let (peer, prefix) = (0..PEERS, 0..PREFIXES.len());
    prop_oneof![
        12 => (peer.clone(), prefix.clone(), said()).prop_map(|(peer, prefix, said)| Step::Say(peer, prefix, said)),
        3 => (peer.clone(), prefix.clone()).prop_map(|(peer, prefix)| Step::Withdraw(peer, prefix)),
        2 => peer.clone().prop_map(Step::Up),
        1 => peer.clone().prop_map(Step::Down),
        2 => (1u8..4, any::<bool>()).prop_map(|(n, usable)| Step::NextHop(n, usable)),
        1 => (prefix, any::<bool>()).prop_map(|(prefix, is)| Step::Originate(prefix, is)),
        1 => (peer.clone(), prop::option::of(99u32..102), 0u32..2).prop_map(|(p, l, w)| Step::Import(p, l, w)),
        1 => (peer.clone(), 0u8..4).prop_map(|(peer, kind)| Step::Export(peer, kind)),
        1 => peer.prop_map(Step::Refresh),
        3 => (1u64..40).prop_map(Step::Wait),
    ]
}

fn setting() -> impl Strategy<Value = Setting> {
    let times = (0u64..20, 0u64..5, prop_oneof![Just(0u64), 1u64..30]);
    (any::<bool>(), any::<bool>(), 1usize..4, 1usize..3, times).prop_map(
        |(always_compare_med, multipath_relax, external, internal, (delay, per_prefix, interval))| Setting {
            decision: DecisionConfig {
                always_compare_med,
                multipath_relax,
                maximum_paths_external: external,
                maximum_paths_internal: internal,
            },
            delay,
            per_prefix,
            interval,
        },
    )
}

fn attributes(said: &Said) -> Attributes {
    let mut of = route(&format!("10.0.9.{}", said.next_hop), &said.path);
    (of.med, of.local_pref) = (said.med, said.local_pref);
    of.origin = [Origin::Igp, Origin::Incomplete][usize::from(said.origin)];
    of.communities = said.community.into_iter().collect();
    of
}

fn export_policy(kind: u8) -> Policy {
    match kind {
        0 => Policy::default(),
        1 => Policy::new([Rule::Prepend(2), Rule::Med(Some(4))]),
        2 => Policy::new([Rule::Prefixes(vec![PrefixRange { prefix: net("10.0.0.0/8"), least: 20, most: 32 }])]),
        _ => Policy::new([Rule::Communities(vec![77]), Rule::AddCommunity(78)]),
    }
}

/// All that the model remembers.
#[derive(Clone, Debug, Default)]
struct Model {
    up: BTreeSet<usize>,
    said: BTreeMap<(usize, usize), Said>,
    usable: BTreeSet<u8>,
    own: BTreeSet<usize>,
    import: BTreeMap<usize, (Option<u32>, u32)>,
    export: BTreeMap<usize, u8>,
}

/// A route in the model, `None` in place of a peer for the own one.
#[derive(Clone, Debug)]
struct Way {
    peer: Option<usize>,
    said: Said,
    local_pref: u32,
    weight: u32,
}

impl Way {
    fn class(&self) -> u8 {
        match self.peer {
            None => 0,
            Some(0..=3) => 1,
            Some(_) => 2,
        }
    }
}

impl Model {
    fn ways(&self, prefix: usize) -> Vec<Way> {
        let mut ways = Vec::new();
        if self.own.contains(&prefix) {
            let said = Said { path: vec![], next_hop: 0, med: Some(3), local_pref: None, origin: 0, community: None };
            ways.push(Way { peer: None, said, local_pref: 100, weight: 32_768 });
        }
        for ((peer, _), said) in self.said.iter().filter(|((_, of), _)| *of == prefix) {
            if said.path.contains(&12_076) || !self.usable.contains(&said.next_hop) {
                continue;
            }
            let (set, weight) = self.import.get(peer).copied().unwrap_or((None, 0));
            let heard = if *peer < 4 { None } else { said.local_pref };
            let local_pref = if said.community == Some(GRACEFUL_SHUTDOWN) { 0 } else { set.or(heard).unwrap_or(100) };
            ways.push(Way { peer: Some(*peer), said: said.clone(), local_pref, weight });
        }
        ways
    }

    /// RFC 4271 §9.1.2.2 with weight and local preference in front: sorted by what any two routes compare by; then
    /// struck out by MED among those that tie; then sorted by the rest.
    fn chosen(&self, prefix: usize, config: &DecisionConfig) -> Vec<Way> {
        let first = |way: &Way| {
            let most = u32::MAX;
            (most - way.weight, most - way.local_pref, way.said.path.len(), way.said.origin)
        };
        let mut ways = self.ways(prefix);
        ways.sort_by_key(first);
        let Some(best) = ways.first().map(first) else { return Vec::new() };
        let tied: Vec<Way> = ways.into_iter().filter(|way| first(way) == best).collect();
        let beats = |other: &Way, way: &Way| {
            let compare = config.always_compare_med || other.said.path.first() == way.said.path.first();
            compare && other.said.med.unwrap_or(0) < way.said.med.unwrap_or(0)
        };
        let mut left: Vec<Way> =
            tied.iter().filter(|way| !tied.iter().any(|other| beats(other, way))).cloned().collect();
        // Router ids and addresses grow with the number of the peer.
        left.sort_by_key(|way| (way.class(), way.peer));
        let best = left[0].clone();
        left.retain(|way| way.class() == best.class() && (config.multipath_relax || way.said.path == best.said.path));
        left.truncate([1, config.maximum_paths_external, config.maximum_paths_internal][usize::from(best.class())]);
        left
    }

    /// What a peer is to believe, written out case by case.
    fn told(&self, peer: usize, prefix: usize, config: &DecisionConfig) -> Option<Attributes> {
        let best = self.chosen(prefix, config).first()?.clone();
        let is_external = peer < 4;
        let kept = match best.said.community {
            Some(NO_ADVERTISE) => true,
            Some(NO_EXPORT) => is_external,
            _ => false,
        };
        if !self.up.contains(&peer) || best.peer == Some(peer) || kept || (!is_external && best.class() == 2) {
            return None;
        }
        let mut told = attributes(&best.said);
        if is_external && best.peer.is_some() {
            told.med = None;
        }
        let mut in_front = usize::from(is_external);
        match self.export.get(&peer) {
            Some(1) => (told.med, in_front) = (Some(4), in_front + 2),
            Some(2) if prefix != 2 => return None,
            Some(3) if best.said.community != Some(77) => return None,
            Some(3) => told.communities.push(78),
            _ => {}
        }
        let path = [vec![12_076; in_front], best.said.path.clone()].concat();
        told.as_path = route("0.0.0.0", &path).as_path;
        told.local_pref = (!is_external).then_some(best.local_pref);
        if is_external || best.peer.is_none() || peer == 5 {
            told.next_hop = ip("10.0.0.254");
        }
        Some(told)
    }
}

fn machine(setting: &Setting) -> Rib {
    let mut rib = Rib::new(RibConfig {
        local_as: 12_076,
        decision: setting.decision,
        programming: ProgrammingConfig {
            delay: Span::from_us(setting.delay),
            per_prefix: Span::from_us(setting.per_prefix),
        },
    });
    rib.add_vrf(GLOBAL, None);
    for n in 0..PEERS {
        let kind = REMOTE.get(n).map_or(PeerKind::Internal, |remote| external(*remote));
        let interval = Span::from_us(setting.interval);
        let config = PeerConfig { next_hop_self: n == 5, advertisement_interval: interval, ..peer(n as u8 + 1, kind) };
        rib.add_peer(config);
    }
    rib
}

fn id(peer: usize) -> PeerId {
    PeerId(peer as u16)
}

fn apply(rib: &mut Rib, model: &mut Model, now: Instant, step: &Step) {
    match step {
        Step::Up(peer) => {
            model.up.insert(*peer);
            rib.peer_up(now, id(*peer));
        }
        Step::Down(peer) => {
            model.up.remove(peer);
            model.said.retain(|(of, _), _| of != peer);
            rib.peer_down(now, id(*peer));
        }
        Step::Say(peer, prefix, said) => {
            if model.up.contains(peer) {
                model.said.insert((*peer, *prefix), said.clone());
            }
            rib.handle_update(now, id(*peer), &announce(&[PREFIXES[*prefix]], attributes(said)));
        }
        Step::Withdraw(peer, prefix) => {
            model.said.remove(&(*peer, *prefix));
            rib.handle_update(now, id(*peer), &withdraw(&[PREFIXES[*prefix]]));
        }
        Step::NextHop(n, usable) => {
            if *usable {
                model.usable.insert(*n)
            } else {
                model.usable.remove(n)
            };
            rib.set_next_hop(now, GLOBAL, ip(&format!("10.0.9.{n}")), *usable);
        }
        Step::Originate(prefix, true) => {
            model.own.insert(*prefix);
            rib.originate(now, GLOBAL, net(PREFIXES[*prefix]), Attributes { med: Some(3), ..route("0.0.0.0", &[]) });
        }
        Step::Originate(prefix, false) => {
            model.own.remove(prefix);
            rib.withdraw_own(now, GLOBAL, net(PREFIXES[*prefix]));
        }
        Step::Import(peer, local_pref, weight) => {
            model.import.insert(*peer, (*local_pref, *weight));
            let set = local_pref.map(Rule::LocalPref).into_iter().chain([Rule::Weight(*weight)]);
            rib.set_import(now, id(*peer), Policy::new(set));
        }
        Step::Export(peer, kind) => {
            model.export.insert(*peer, *kind);
            rib.set_export(now, id(*peer), export_policy(*kind));
        }
        Step::Refresh(peer) => rib.refresh(now, id(*peer)),
        Step::Wait(_) => {}
    }
}

/// Sources that share, the best first, as the machine and the model see them.
fn shares(rib: &Rib, prefix: usize) -> Vec<Option<PeerId>> {
    let route = rib.route(Instant::ZERO, GLOBAL, net(PREFIXES[prefix]));
    let paths: Vec<_> = route.into_iter().flat_map(|route| route.paths).collect();
    let best = paths.iter().filter(|path| path.is_best);
    let others = paths.iter().filter(|path| path.is_multipath && !path.is_best);
    best.chain(others).map(|path| path.source.peer()).collect()
}

/// Ways that packets go: of the same next hop once.
fn next_hops(ways: &[Way]) -> Vec<IpAddr> {
    let mut seen = Vec::new();
    for way in ways {
        let next_hop = if way.peer.is_none() { ip("0.0.0.0") } else { ip(&format!("10.0.9.{}", way.said.next_hop)) };
        if !seen.contains(&next_hop) {
            seen.push(next_hop);
        }
    }
    seen
}

/// What peers and forwarding have made of what they were given.
#[derive(Default)]
struct Replay {
    told: BTreeMap<(usize, IpNet), Attributes>,
    sets: BTreeMap<usize, Instant>,
    ends: BTreeMap<usize, usize>,
    fib: BTreeMap<IpNet, Vec<IpAddr>>,
}

impl Replay {
    fn poll(&mut self, rib: &mut Rib, now: Instant, interval: u64) -> usize {
        let mut count = 0;
        for peer in 0..PEERS {
            let all = updates(rib, now, id(peer));
            count += all.len();
            if all.iter().any(|update| update.end_of_rib.is_none()) {
                let last = self.sets.insert(peer, now);
                assert!(last.is_none_or(|last| now - last >= Span::from_us(interval)), "too soon");
            }
            let withdrawals = all.iter().take_while(|update| !update.withdrawn.is_empty()).count();
            assert!(all.iter().skip(withdrawals).all(|update| update.withdrawn.is_empty()), "withdrawals come first");
            for update in all {
                *self.ends.entry(peer).or_default() += usize::from(update.end_of_rib.is_some());
                for gone in update.withdrawn {
                    assert!(self.told.remove(&(peer, gone.prefix)).is_some(), "withdrawn, but never told");
                }
                for nlri in update.announced {
                    let attributes = Attributes::clone(update.attributes.as_ref().unwrap());
                    self.told.insert((peer, nlri.prefix), attributes);
                }
            }
        }
        for change in changes(rib, now) {
            count += 1;
            assert!(change.at <= now);
            self.fib.insert(change.prefix, change.next_hops.iter().map(|via| via.next_hop).collect());
        }
        count
    }

    fn forget(&mut self, peer: usize) {
        self.told.retain(|(of, _), _| *of != peer);
        self.sets.remove(&peer);
        self.ends.remove(&peer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_machine_agrees_with_the_model(setting in setting(), steps in prop::collection::vec(step(), 1..70)) {
        let (mut rib, mut model, mut replay) = (machine(&setting), Model::default(), Replay::default());
        let mut now = us(1);
        for peer in 0..PEERS {
            apply(&mut rib, &mut model, now, &Step::Up(peer));
        }
        for n in 1..4 {
            apply(&mut rib, &mut model, now, &Step::NextHop(n, true));
        }
        for step in &steps {
            if let Step::Wait(span) = step {
                let until = now + Span::from_us(*span);
                while let Some(at) = rib.poll_timeout().filter(|at| *at <= until) {
                    if at > now {
                        let before = Instant::from_ps(at.as_ps() - 1);
                        prop_assert_eq!(replay.poll(&mut rib, before, setting.interval), 0, "it lied");
                    }
                    now = at.max(now);
                    replay.poll(&mut rib, now, setting.interval);
                }
                prop_assert_eq!(replay.poll(&mut rib, until, setting.interval), 0, "late");
                now = until;
            }
            apply(&mut rib, &mut model, now, step);
            if let Step::Down(peer) = step {
                replay.forget(*peer);
            }
            for prefix in 0..PREFIXES.len() {
                let chosen = model.chosen(prefix, &setting.decision);
                let wanted: Vec<_> = chosen.iter().map(|way| way.peer.map(id)).collect();
                let mut is = shares(&rib, prefix);
                is[1.min(wanted.len())..].sort_unstable();
                prop_assert_eq!(is, wanted);
            }
        }
        while let Some(at) = rib.poll_timeout() {
            now = at.max(now);
            replay.poll(&mut rib, now, setting.interval);
        }
        for (prefix, text) in PREFIXES.iter().enumerate() {
            for peer in 0..PEERS {
                let is = replay.told.get(&(peer, net(text))).cloned();
                prop_assert_eq!(is, model.told(peer, prefix, &setting.decision), "{} of {}", peer, text);
            }
            let forwards = replay.fib.get(&net(text)).cloned().unwrap_or_default();
            prop_assert_eq!(forwards, next_hops(&model.chosen(prefix, &setting.decision)));
        }
        for peer in 0..PEERS {
            let ends = replay.ends.get(&peer).copied().unwrap_or(0);
            prop_assert_eq!(ends, usize::from(model.up.contains(&peer)));
            prop_assert_eq!(rib.counts(id(peer)).received, model.said.keys().filter(|(of, _)| *of == peer).count());
        }
    }

    #[test]
    fn the_order_of_arrival_never_shows(
        setting in setting(),
        says in prop::collection::btree_map((0..PEERS, 0..PREFIXES.len()), (said(), any::<u32>()), 1..18),
    ) {
        let listing = |order: &[(u32, Step)]| {
            let (mut rib, mut model) = (machine(&setting), Model::default());
            (0..PEERS).for_each(|peer| apply(&mut rib, &mut model, us(0), &Step::Up(peer)));
            (1..4).for_each(|n| apply(&mut rib, &mut model, us(0), &Step::NextHop(n, true)));
            order.iter().for_each(|(_, step)| apply(&mut rib, &mut model, us(0), step));
            let told = |rib: &mut Rib, peer| updates(rib, us(0), id(peer));
            (rib.routes(us(0), GLOBAL).collect::<Vec<_>>(), (0..PEERS).map(|peer| told(&mut rib, peer)).collect::<Vec<_>>())
        };
        let says = says.into_iter().map(|((peer, prefix), (said, key))| (key, Step::Say(peer, prefix, said)));
        let mut says: Vec<_> = says.collect();
        let in_order = listing(&says);
        says.sort_by_key(|(key, _)| *key);
        prop_assert_eq!(in_order, listing(&says));
    }
}
