//! What an operator wants of routes on their way in or out of a peer: a closed set of rules, applied in order.

use crate::control::route::{AsPath, Attributes, Segment};
use ipnet::IpNet;

/// Not to be advertised out of the autonomous system (RFC 1997).
pub const NO_EXPORT: u32 = 0xffff_ff01;
/// Not to be advertised to any peer (RFC 1997).
pub const NO_ADVERTISE: u32 = 0xffff_ff02;
/// Not to be advertised to external peers, of a confederation neither (RFC 1997): there are none here.
pub const NO_EXPORT_SUBCONFED: u32 = 0xffff_ff03;
/// The route is about to go (RFC 8326 §2).
pub const GRACEFUL_SHUTDOWN: u32 = 0xffff_0000;

/// A community as people write it: `12076:51004` is `community(12076, 51004)`.
pub const fn community(system: u16, value: u16) -> u32 {
    (system as u32) << 16 | value as u32
}

/// Prefixes that a prefix list lets through: those within `prefix` whose length is `least` to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixRange {
    /// What they lie in.
    pub prefix: IpNet,
    /// The shortest (`ge`).
    pub least: u8,
    /// The longest (`le`).
    pub most: u8,
}

impl PrefixRange {
    /// `prefix` alone.
    pub fn exact(prefix: IpNet) -> Self {
        PrefixRange { prefix, least: prefix.prefix_len(), most: prefix.prefix_len() }
    }

    /// `prefix` and all that lies in it.
    pub fn or_longer(prefix: IpNet) -> Self {
        PrefixRange { prefix, least: prefix.prefix_len(), most: prefix.max_prefix_len() }
    }

    /// Whether it lets `prefix` through.
    pub fn matches(&self, prefix: IpNet) -> bool {
        self.prefix.contains(&prefix) && (self.least..=self.most).contains(&prefix.prefix_len())
    }
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// No route passes.
    DenyAll,
    /// A prefix list: a route passes if one of these matches it.
    Prefixes(Vec<PrefixRange>),
    /// A route filter: a route passes if it has one of these communities.
    Communities(Vec<u32>),
    /// A route passes if it has one of these extended communities (RFC 4360): a route target, say.
    ExtendedCommunities(Vec<[u8; 8]>),
    /// LOCAL_PREF becomes this; to an external peer it is not sent whatever it is.
    LocalPref(u32),
    /// MULTI_EXIT_DISC becomes this, or is taken away.
    Med(Option<u32>),
    /// The own autonomous system is put in front so many times more (RFC 4271 §5.1.2).
    Prepend(u8),
    /// The route has this community from here on.
    AddCommunity(u32),
    /// The route has this community no more.
    RemoveCommunity(u32),
    /// The weight within this router becomes this, on import; Azure's connection weight is of this kind.
    Weight(u32),
    /// All private numbers (RFC 6996 §5) are taken out of the AS path, wherever they are.
    RemovePrivateAs,
    /// This number is taken out of the AS path, wherever it is.
    RemoveAs(u32),
    /// The own autonomous system takes the place of this number in the AS path: what it told of itself in one place reaches
    /// it in another (`as-override`, as providers' routers commonly have it).
    OverrideAs(u32),
}

/// Rules in their order; none lets all pass as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The rules; the first that lets a route not pass ends it.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// The policy of `rules`.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Policy { rules: rules.into_iter().collect() }
    }

    /// What becomes of a route to `prefix` in a router of `local_as`: attributes and weight, or nothing if it does not
    /// pass.
    pub fn apply(
        &self,
        local_as: u32,
        prefix: IpNet,
        mut attributes: Attributes,
        mut weight: u32,
    ) -> Option<(Attributes, u32)> {
        for rule in &self.rules {
            match rule {
                Rule::DenyAll => return None,
                Rule::Prefixes(ranges) => ranges.iter().any(|range| range.matches(prefix)).then_some(())?,
                Rule::Communities(wanted) => {
                    wanted.iter().any(|one| attributes.communities.contains(one)).then_some(())?;
                }
                Rule::ExtendedCommunities(wanted) => {
                    wanted.iter().any(|one| attributes.extended_communities.contains(one)).then_some(())?;
                }
                Rule::LocalPref(value) => attributes.local_pref = Some(*value),
                Rule::Med(value) => attributes.med = *value,
                Rule::Prepend(times) => {
                    attributes.as_path = attributes.as_path.prepended(local_as, usize::from(*times));
                }
                Rule::AddCommunity(one) => {
                    if let Err(place) = attributes.communities.binary_search(one) {
                        attributes.communities.insert(place, *one);
                    }
                }
                Rule::RemoveCommunity(one) => attributes.communities.retain(|other| other != one),
                Rule::Weight(value) => weight = *value,
                Rule::RemovePrivateAs => attributes.as_path = without(&attributes.as_path, is_private),
                Rule::RemoveAs(one) => attributes.as_path = without(&attributes.as_path, |system| system == *one),
                Rule::OverrideAs(one) => attributes.as_path = with(&attributes.as_path, *one, local_as),
            }
        }
        Some((attributes, weight))
    }
}

/// RFC 6996 §5.
const fn is_private(system: u32) -> bool {
    matches!(system, 64_512..=65_534 | 4_200_000_000..=4_294_967_294)
}

/// The path with one system in the place of another.
fn with(path: &AsPath, out: u32, into: u32) -> AsPath {
    let taken = |systems: &Vec<u32>| systems.iter().map(|one| if *one == out { into } else { *one }).collect();
    let segments = path.0.iter().map(|segment| match segment {
        Segment::Sequence(systems) => Segment::Sequence(taken(systems)),
        Segment::Set(systems) => Segment::Set(taken(systems)),
    });
    AsPath(segments.collect())
}

/// The path without the systems that are to go; segments that have none left go with them.
fn without(path: &AsPath, goes: impl Fn(u32) -> bool) -> AsPath {
    let left = |systems: &Vec<u32>| systems.iter().copied().filter(|system| !goes(*system)).collect::<Vec<_>>();
    let segments = path.0.iter().filter_map(|segment| {
        let (kept, segment) = match segment {
            Segment::Sequence(systems) => (!left(systems).is_empty(), Segment::Sequence(left(systems))),
            Segment::Set(systems) => (!left(systems).is_empty(), Segment::Set(left(systems))),
        };
        kept.then_some(segment)
    });
    AsPath(segments.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn route() -> Attributes {
        let mut route = Attributes::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        route.as_path = AsPath(vec![Segment::Sequence(vec![3356, 65_010, 4_200_000_000]), Segment::Set(vec![64_512])]);
        route.communities = vec![community(12_076, 51_004)];
        route
    }

    fn after(rule: Rule) -> Option<(Attributes, u32)> {
        Policy::new([rule]).apply(12_076, net("10.0.0.0/16"), route(), 5)
    }

    #[test]
    fn no_rules_change_nothing_and_deny_all_passes_none() {
        assert_eq!(Policy::default().apply(12_076, net("10.0.0.0/16"), route(), 5), Some((route(), 5)));
        assert_eq!(after(Rule::DenyAll), None);
    }

    #[test]
    fn a_prefix_list_matches_by_place_and_length() {
        let list = |range| Policy::new([Rule::Prefixes(vec![range])]);
        let passes = |range, text: &str| list(range).apply(1, net(text), route(), 0).is_some();
        let exact = PrefixRange::exact(net("10.0.0.0/16"));
        assert_eq!(["10.0.0.0/16", "10.0.0.0/17", "10.0.0.0/15"].map(|p| passes(exact, p)), [true, false, false]);
        let range = PrefixRange { prefix: net("10.0.0.0/8"), least: 16, most: 24 };
        assert_eq!(
            ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.0/25", "11.0.0.0/16"].map(|p| passes(range, p)),
            [false, true, true, false, false]
        );
        assert!(passes(PrefixRange::or_longer(net("2001:db8::/32")), "2001:db8:1::/48"));
        assert!(!passes(PrefixRange::or_longer(net("0.0.0.0/0")), "2001:db8::/32"));
    }

    #[test]
    fn a_route_filter_wants_one_of_its_communities() {
        assert!(after(Rule::Communities(vec![community(12_076, 1), community(12_076, 51_004)])).is_some());
        assert!(after(Rule::Communities(vec![community(12_076, 51_005)])).is_none());
        assert!(after(Rule::Communities(Vec::new())).is_none());
    }

    #[test]
    fn a_filter_by_route_targets_wants_one_of_them() {
        let (wanted, other) = ([0, 2, 0, 1, 0, 0, 0, 1], [0, 2, 0, 1, 0, 0, 0, 2]);
        let has = |target| Attributes { extended_communities: vec![target], ..route() };
        let policy = Policy::new([Rule::ExtendedCommunities(vec![wanted])]);
        let passes = |of| policy.apply(1, net("10.0.0.0/16"), of, 0).is_some();
        assert_eq!([has(wanted), has(other), route()].map(passes), [true, false, false]);
    }

    #[test]
    fn each_rule_sets_one_thing() {
        assert_eq!(after(Rule::LocalPref(150)), Some((Attributes { local_pref: Some(150), ..route() }, 5)));
        assert_eq!(after(Rule::Med(Some(9))), Some((Attributes { med: Some(9), ..route() }, 5)));
        assert_eq!(after(Rule::Weight(100)), Some((route(), 100)));
        let (prepended, _) = after(Rule::Prepend(2)).unwrap();
        assert_eq!(prepended.as_path.to_string(), "12076 12076 3356 65010 4200000000 {64512}");
        let (public, _) = after(Rule::RemovePrivateAs).unwrap();
        assert_eq!(public.as_path, AsPath(vec![Segment::Sequence(vec![3356])]));
        let (without, _) = after(Rule::RemoveAs(64_512)).unwrap();
        assert_eq!(without.as_path.to_string(), "3356 65010 4200000000");
        let (overridden, _) = after(Rule::OverrideAs(64_512)).unwrap();
        assert_eq!(overridden.as_path.to_string(), "3356 65010 4200000000 {12076}");
    }

    #[test]
    fn communities_stay_sorted_and_single() {
        let policy = Policy::new([1, community(12_076, 51_004), 1].map(Rule::AddCommunity));
        let (more, _) = policy.apply(1, net("10.0.0.0/16"), route(), 0).unwrap();
        assert_eq!(more.communities, [1, community(12_076, 51_004)]);
        let (less, _) = after(Rule::RemoveCommunity(community(12_076, 51_004))).unwrap();
        assert!(less.communities.is_empty());
    }

    #[test]
    fn rules_hold_in_their_order() {
        let blind = Policy::new([
            Rule::RemoveCommunity(community(12_076, 51_004)),
            Rule::Communities(vec![community(12_076, 51_004)]),
        ]);
        assert_eq!(blind.apply(1, net("10.0.0.0/16"), route(), 0), None);
    }
}
