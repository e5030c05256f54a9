//! UPDATE messages: routes from octets with the error handling of RFC 7606, and to as few messages as hold them.

use super::message::{MAX_OCTETS, Notification, Peering, codes, family};
use crate::control::{AsPath, Attributes, Family, Nlri, Origin, RouteDistinguisher, RouteUpdate, Segment, Vpn};
use crate::wire::mpls::{FIRST_ORDINARY, Label};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rustbgpd_wire as codec;
use rustbgpd_wire::{AsPathSegment, ErrorDisposition, PathAttribute};
use std::net::IpAddr;
use std::sync::Arc;

/// What one UPDATE says. Attributes that [`Attributes`] has no place for are not kept, nor passed on as RFC 4271 §5 asks of
/// transitive ones. Paths with a set count as withdrawn (RFC 9774 §3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Withdrawals first; then a part for each next hop: that of the IPv4 routes, that of the other family.
    pub routes: Vec<RouteUpdate>,
    /// What was wrong with it and did not end the session.
    pub faults: Vec<Fault>,
}

/// What was wrong with an UPDATE, short of ending the session (RFC 7606 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The attribute's type code.
    pub attribute: u8,
    /// What was done.
    pub treatment: Treatment,
}

/// What is done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// All routes of the message count as withdrawn.
    Withdraw,
    /// The attribute counts as absent.
    DiscardAttribute,
    /// Routes of a family that the session does not carry are left aside (RFC 4760 §6).
    IgnoreFamily,
}

/// Routes that BGP has no octets for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Routes are announced without attributes.
    #[error("routes are announced without attributes")]
    NoAttributes,
    /// Announced routes are of several families.
    #[error("routes of {0:?} and {1:?} are announced with the same attributes; give each family an update of its own")]
    Families(Family, Family),
    /// The next hop is no address that the family can have.
    #[error("{0} is no next hop of routes of {1:?}")]
    NextHop(IpAddr, Family),
    /// The attributes leave no room for a route.
    #[error("the attributes take {0} octets of a message's {MAX_OCTETS}: no route fits beside them")]
    TooLong(usize),
    /// Routes, or the end, of a family that the session does not carry (RFC 4760 §8).
    #[error("the session does not carry routes of {0:?}")]
    NotSpoken(Family),
    /// A value is out of its range, in words.
    #[error("{0}")]
    Value(String),
}

impl From<codec::EncodeError> for EncodeError {
    fn from(error: codec::EncodeError) -> Self {
        EncodeError::Value(error.to_string())
    }
}

/// The routes of an UPDATE, or the NOTIFICATION that answers it.
pub(super) fn from_codec(message: &codec::UpdateMessage, peering: &Peering) -> Result<Update, Notification> {
    let parsed = message
        .parse_revised(peering.four_octet_as, peering.is_internal, false, &[])
        .map_err(|error| Notification::from_error(&error))?;
    let update = &parsed.update;
    let reach = update.attributes.iter().find_map(|attribute| match attribute {
        PathAttribute::MpReachNlri(reach) => Some(reach.as_ref()),
        _ => None,
    });
    let in_body = !update.announced.is_empty();
    let announces = in_body || reach.is_some_and(|r| !r.announced.is_empty() || !r.vpn_announced.is_empty());
    let mut faults = Vec::new();
    for malformed in &parsed.malformed {
        let treatment = match malformed.disposition {
            ErrorDisposition::SessionReset => return Err(Notification::from_error(&malformed.error)),
            // RFC 7606 §5.2: the routes that would be withdrawn may be what could not be read.
            ErrorDisposition::TreatAsWithdraw if !announces => return Err(Notification::from_error(&malformed.error)),
            ErrorDisposition::TreatAsWithdraw => Treatment::Withdraw,
            ErrorDisposition::AttributeDiscard => Treatment::DiscardAttribute,
        };
        faults.push(Fault { attribute: malformed.type_code, treatment });
    }
    // What is malformed is not missing as well.
    let is_read = !faults.iter().any(|fault: &Fault| fault.treatment == Treatment::Withdraw);
    // The codec asks whether the peer is external for NEXT_HOP only, which internal ones must give too (RFC 4271 §5.1.3).
    if is_read
        && let Err(wrong) = codec::validate::validate_update_attributes_with_context(
            &update.attributes,
            announces,
            in_body,
            true,
            codec::UpdateValidationOptions::default(),
        )
    {
        if wrong.error.disposition == ErrorDisposition::SessionReset || !announces {
            return Err(Notification { code: 3, subcode: wrong.error.subcode, data: wrong.error.data });
        }
        faults.push(Fault { attribute: wrong.type_code, treatment: Treatment::Withdraw });
    }
    // Routes of a family that the session does not carry are left aside, whatever they are like.
    let carried = reach.and_then(|reach| Some((reach, family(reach.afi, reach.safi)?)));
    let carried = carried.filter(|(_, family)| peering.families.contains(family));
    if carried.is_some_and(|(reach, of)| !has_one_label_each(reach) || next_hop(unmapped(reach), of).is_err()) {
        faults.push(Fault { attribute: MP_REACH_NLRI, treatment: Treatment::Withdraw });
    }
    Ok(Reading { message, update, reach, peering, faults }.routes())
}

/// An UPDATE that has passed the checks of its attributes.
struct Reading<'a> {
    message: &'a codec::UpdateMessage,
    update: &'a codec::ParsedUpdate,
    reach: Option<&'a codec::MpReachNlri>,
    peering: &'a Peering,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn routes(mut self) -> Update {
        let mut withdrawn = self.of_body(&self.update.withdrawn);
        let mut end_of_rib = Some(Family::Ipv4).filter(|of| self.is_empty() && self.peering.families.contains(of));
        let unreach = self.update.attributes.iter().find_map(|attribute| match attribute {
            PathAttribute::MpUnreachNlri(unreach) => Some(unreach.as_ref()),
            _ => None,
        });
        if let Some(unreach) = unreach
            && let Some(family) = self.carried(unreach.afi, unreach.safi, MP_UNREACH_NLRI)
        {
            let routes = nlri(&unreach.withdrawn, &unreach.vpn_withdrawn);
            let alone = self.update.attributes.len() == 1 && self.update.announced.is_empty();
            if routes.is_empty() && withdrawn.is_empty() && alone && self.faults.is_empty() {
                end_of_rib = Some(family);
            }
            withdrawn.extend(routes);
        }
        let mut announced = Vec::new();
        if !self.update.announced.is_empty() {
            announced.push((self.of_body(&self.update.announced), self.next_hop()));
        }
        if let Some(reach) = self.reach
            && self.carried(reach.afi, reach.safi, MP_REACH_NLRI).is_some()
        {
            announced.push((nlri(&reach.announced, &reach.vpn_announced), Some(unmapped(reach))));
        }
        let is_withdrawal = self.faults.iter().any(|fault| fault.treatment == Treatment::Withdraw);
        let mut parts = Vec::new();
        for (routes, next_hop) in announced {
            match next_hop {
                Some(next_hop) if !is_withdrawal && !routes.is_empty() => {
                    let attributes = Some(Arc::new(self.attributes(next_hop)));
                    parts.push(RouteUpdate { announced: routes, attributes, ..RouteUpdate::default() });
                }
                _ => withdrawn.extend(routes),
            }
        }
        if !withdrawn.is_empty() || end_of_rib.is_some() {
            parts.insert(0, RouteUpdate { withdrawn, end_of_rib, ..RouteUpdate::default() });
        }
        Update { routes: parts, faults: self.faults }
    }

    /// The marker of the end of the IPv4 routes is an UPDATE with nothing in it (RFC 4724 §2).
    fn is_empty(&self) -> bool {
        let message = self.message;
        message.withdrawn_routes.is_empty() && message.path_attributes.is_empty() && message.nlri.is_empty()
    }

    fn of_body(&mut self, entries: &[codec::Ipv4NlriEntry]) -> Vec<Nlri> {
        if !entries.is_empty() && !self.peering.families.contains(&Family::Ipv4) {
            self.faults.push(Fault { attribute: NEXT_HOP, treatment: Treatment::IgnoreFamily });
            return Vec::new();
        }
        entries.iter().filter_map(|entry| v4(entry.prefix)).map(Nlri::from).collect()
    }

    fn carried(&mut self, afi: codec::Afi, safi: codec::Safi, attribute: u8) -> Option<Family> {
        let known = family(afi, safi).filter(|family| self.peering.families.contains(family));
        if known.is_none() {
            self.faults.push(Fault { attribute, treatment: Treatment::IgnoreFamily });
        }
        known
    }

    fn next_hop(&self) -> Option<IpAddr> {
        self.update.attributes.iter().find_map(|attribute| match attribute {
            PathAttribute::NextHop(address) => Some(IpAddr::V4(*address)),
            _ => None,
        })
    }

    fn attributes(&self, next_hop: IpAddr) -> Attributes {
        let mut of = Attributes::new(next_hop);
        for attribute in &self.update.attributes {
            match attribute {
                PathAttribute::Origin(codec::Origin::Igp) => of.origin = Origin::Igp,
                PathAttribute::Origin(codec::Origin::Egp) => of.origin = Origin::Egp,
                PathAttribute::Origin(codec::Origin::Incomplete) => of.origin = Origin::Incomplete,
                PathAttribute::AsPath(path) => of.as_path = AsPath(path.segments.iter().map(segment).collect()),
                PathAttribute::Med(med) => of.med = Some(*med),
                // RFC 4271 §5.1.5: from an external peer it is ignored.
                PathAttribute::LocalPref(preference) if self.peering.is_internal => of.local_pref = Some(*preference),
                _ => {}
            }
            if let Some(communities) = attribute.communities() {
                of.communities = sorted(communities.to_vec());
            }
            if let Some(communities) = attribute.extended_communities() {
                of.extended_communities = sorted(communities.iter().map(|c| c.as_u64().to_be_bytes()).collect());
            }
        }
        of
    }
}

/// The octets of the messages that `routes` take: withdrawals, announcements that share their attributes, the end of the
/// RIB, in this order. Nothing to say takes no message.
///
/// # Errors
/// What BGP has no octets for.
pub fn encode_update(routes: &RouteUpdate, peering: &Peering) -> Result<Vec<Vec<u8>>, EncodeError> {
    let told = routes.withdrawn.iter().chain(&routes.announced).map(Nlri::family).chain(routes.end_of_rib);
    if let Some(other) = told.into_iter().find(|family| !peering.families.contains(family)) {
        return Err(EncodeError::NotSpoken(other));
    }
    let mut messages = Vec::new();
    for family in Family::ALL {
        let of: Vec<_> = routes.withdrawn.iter().filter(|route| route.family() == family).copied().collect();
        pack(&of, &mut messages, |part| withdrawal(part, family))?;
    }
    if let Some(first) = routes.announced.first() {
        let family = first.family();
        if let Some(other) = routes.announced.iter().map(Nlri::family).find(|&other| other != family) {
            return Err(EncodeError::Families(family, other));
        }
        let attributes = routes.attributes.as_deref().ok_or(EncodeError::NoAttributes)?;
        let (path, next_hop) = (to_codec(attributes, peering), next_hop(attributes.next_hop, family)?);
        let four_octet_as = peering.four_octet_as;
        pack(&routes.announced, &mut messages, |part| announcement(part, family, &path, next_hop, four_octet_as))?;
    }
    if let Some(family) = routes.end_of_rib {
        messages.push(octets(&withdrawal(&[], family)?)?);
    }
    Ok(messages)
}

/// As few messages as hold `routes`, in their order.
fn pack(
    routes: &[Nlri],
    messages: &mut Vec<Vec<u8>>,
    build: impl Fn(&[Nlri]) -> Result<codec::UpdateMessage, EncodeError>,
) -> Result<(), EncodeError> {
    let mut rest = routes;
    // An attribute of more than 255 octets has one more in its own length.
    let without = if rest.is_empty() { 0 } else { build(&[])?.encoded_len() + 1 };
    while !rest.is_empty() {
        let mut filled = without;
        let count = rest
            .iter()
            .take_while(|route| {
                filled += nlri_octets(route);
                filled <= MAX_OCTETS
            })
            .count();
        if count == 0 {
            return Err(EncodeError::TooLong(without));
        }
        let (part, more) = rest.split_at(count);
        messages.push(octets(&build(part)?)?);
        rest = more;
    }
    Ok(())
}

fn octets(message: &codec::UpdateMessage) -> Result<Vec<u8>, EncodeError> {
    let mut octets = Vec::with_capacity(message.encoded_len());
    message.encode(&mut octets)?;
    Ok(octets)
}

fn nlri_octets(route: &Nlri) -> usize {
    // A length; of VPNs a label and a route distinguisher; the prefix.
    1 + if route.vpn.is_some() { 3 + 8 } else { 0 } + usize::from(route.prefix.prefix_len().div_ceil(8))
}

fn withdrawal(routes: &[Nlri], family: Family) -> Result<codec::UpdateMessage, EncodeError> {
    if family == Family::Ipv4 {
        return build(&[], &in_body(routes), &[], true);
    }
    let (afi, safi) = codes(family);
    let unreach = codec::MpUnreachNlri {
        afi,
        safi,
        withdrawn: plain(routes),
        flowspec_withdrawn: Vec::new(),
        evpn_withdrawn: Vec::new(),
        bgpls_withdrawn: Vec::new(),
        vpn_withdrawn: of_vpns(routes)?,
        labeled_withdrawn: Vec::new(),
        rtc_withdrawn: Vec::new(),
    };
    build(&[], &[], &[PathAttribute::MpUnreachNlri(Box::new(unreach))], true)
}

fn announcement(
    routes: &[Nlri],
    family: Family,
    path: &[PathAttribute],
    next_hop: IpAddr,
    four_octet_as: bool,
) -> Result<codec::UpdateMessage, EncodeError> {
    let mut attributes = path.to_vec();
    if let (Family::Ipv4, IpAddr::V4(address)) = (family, next_hop) {
        attributes.push(PathAttribute::NextHop(address));
        attributes.sort_by_key(PathAttribute::type_code);
        return build(&in_body(routes), &[], &attributes, four_octet_as);
    }
    let (afi, safi) = codes(family);
    attributes.push(PathAttribute::MpReachNlri(Box::new(codec::MpReachNlri {
        afi,
        safi,
        next_hop,
        link_local_next_hop: None,
        announced: plain(routes),
        flowspec_announced: Vec::new(),
        evpn_announced: Vec::new(),
        bgpls_announced: Vec::new(),
        vpn_announced: of_vpns(routes)?,
        labeled_announced: Vec::new(),
        rtc_announced: Vec::new(),
    })));
    // RFC 7606 §5.1: the routes come first.
    attributes.sort_by_key(|attribute| (attribute.type_code() != MP_REACH_NLRI, attribute.type_code()));
    build(&[], &[], &attributes, four_octet_as)
}

fn build(
    announced: &[codec::Ipv4NlriEntry],
    withdrawn: &[codec::Ipv4NlriEntry],
    attributes: &[PathAttribute],
    four_octet_as: bool,
) -> Result<codec::UpdateMessage, EncodeError> {
    let in_body = codec::Ipv4UnicastMode::Body;
    Ok(codec::UpdateMessage::try_build(announced, withdrawn, attributes, four_octet_as, false, in_body)?)
}

/// All but the next hop.
fn to_codec(of: &Attributes, peering: &Peering) -> Vec<PathAttribute> {
    let origin = match of.origin {
        Origin::Igp => codec::Origin::Igp,
        Origin::Egp => codec::Origin::Egp,
        Origin::Incomplete => codec::Origin::Incomplete,
    };
    let segments = of.as_path.0.iter().map(|segment| match segment {
        Segment::Sequence(systems) => AsPathSegment::AsSequence(systems.clone()),
        Segment::Set(systems) => AsPathSegment::AsSet(systems.clone()),
    });
    let mut all =
        vec![PathAttribute::Origin(origin), PathAttribute::AsPath(codec::AsPath { segments: segments.collect() })];
    all.extend(of.med.map(PathAttribute::Med));
    // RFC 4271 §5.1.5: not to external peers.
    all.extend(of.local_pref.filter(|_| peering.is_internal).map(PathAttribute::LocalPref));
    if !of.communities.is_empty() {
        all.push(PathAttribute::Communities(of.communities.clone()));
    }
    if !of.extended_communities.is_empty() {
        let each =
            of.extended_communities.iter().map(|&octets| codec::ExtendedCommunity::new(u64::from_be_bytes(octets)));
        all.push(PathAttribute::ExtendedCommunities(each.collect()));
    }
    all
}

fn next_hop(address: IpAddr, family: Family) -> Result<IpAddr, EncodeError> {
    match (address, family) {
        (IpAddr::V4(_), Family::Ipv4 | Family::VpnIpv4) | (IpAddr::V6(_), Family::Ipv6 | Family::VpnIpv6) => {
            Ok(address)
        }
        // RFC 4659 §3.2.1.2: over an IPv4 core the next hop is an IPv4-mapped address.
        (IpAddr::V4(address), Family::VpnIpv6) => Ok(IpAddr::V6(address.to_ipv6_mapped())),
        _ => Err(EncodeError::NextHop(address, family)),
    }
}

/// The next hop; of VPN routes an IPv4-mapped one as what it stands for (RFC 4659 §3.2.1.2).
fn unmapped(reach: &codec::MpReachNlri) -> IpAddr {
    match reach.next_hop {
        IpAddr::V6(address) if reach.safi == codec::Safi::MplsVpn => {
            address.to_ipv4_mapped().map_or(reach.next_hop, IpAddr::V4)
        }
        address => address,
    }
}

/// RFC 8277 §2.1: without its capability a route has one label, and more are treated as a withdrawal. So is a special-purpose
/// one (RFC 3032 §2.1), which the RFC does not ask for: no VPN is known by it.
fn has_one_label_each(reach: &codec::MpReachNlri) -> bool {
    let is_ordinary = |label: &codec::MplsLabelEntry| Label::new(label.label).is_some();
    reach.vpn_announced.iter().all(|entry| matches!(entry.nlri.labels.as_slice(), [label] if is_ordinary(label)))
}

fn segment(of: &AsPathSegment) -> Segment {
    match of {
        AsPathSegment::AsSequence(systems) => Segment::Sequence(systems.clone()),
        AsPathSegment::AsSet(systems) => Segment::Set(systems.clone()),
    }
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}

fn v4(prefix: codec::Ipv4Prefix) -> Option<IpNet> {
    Some(IpNet::V4(Ipv4Net::new(prefix.addr, prefix.len).ok()?.trunc()))
}

fn nlri(plain: &[codec::NlriEntry], of_vpns: &[codec::VpnNlriEntry]) -> Vec<Nlri> {
    let plain = plain.iter().filter_map(|entry| match entry.prefix {
        codec::Prefix::V4(prefix) => v4(prefix),
        codec::Prefix::V6(prefix) => Some(IpNet::V6(Ipv6Net::new(prefix.addr, prefix.len).ok()?.trunc())),
    });
    let of_vpns = of_vpns.iter().filter_map(|codec::VpnNlriEntry { nlri, .. }| {
        let prefix = match nlri.prefix {
            codec::VpnPrefix::V4 { addr, len } => IpNet::V4(Ipv4Net::new(addr, len).ok()?.trunc()),
            codec::VpnPrefix::V6 { addr, len } => IpNet::V6(Ipv6Net::new(addr, len).ok()?.trunc()),
        };
        // A withdrawal has no label that would say anything; an announcement without an ordinary one is taken as one.
        let label = nlri.labels.first().and_then(|entry| Label::new(entry.label)).or(Label::new(FIRST_ORDINARY))?;
        let distinguisher = RouteDistinguisher(nlri.route_distinguisher.octets());
        Some(Nlri { prefix, vpn: Some(Vpn { distinguisher, label }) })
    });
    plain.map(Nlri::from).chain(of_vpns).collect()
}

fn in_body(routes: &[Nlri]) -> Vec<codec::Ipv4NlriEntry> {
    let each = routes.iter().filter_map(|route| match route.prefix {
        IpNet::V4(net) => Some(codec::Ipv4Prefix::new(net.network(), net.prefix_len())),
        IpNet::V6(_) => None,
    });
    each.map(|prefix| codec::Ipv4NlriEntry { path_id: 0, prefix }).collect()
}

fn plain(routes: &[Nlri]) -> Vec<codec::NlriEntry> {
    let each = routes.iter().filter(|route| route.vpn.is_none()).map(|route| match route.prefix {
        IpNet::V4(net) => codec::Prefix::V4(codec::Ipv4Prefix::new(net.network(), net.prefix_len())),
        IpNet::V6(net) => codec::Prefix::V6(codec::Ipv6Prefix::new(net.network(), net.prefix_len())),
    });
    each.map(|prefix| codec::NlriEntry { path_id: 0, prefix }).collect()
}

fn of_vpns(routes: &[Nlri]) -> Result<Vec<codec::VpnNlriEntry>, EncodeError> {
    let mut all = Vec::new();
    for Nlri { prefix, vpn } in routes {
        let Some(Vpn { distinguisher, label }) = vpn else { continue };
        let prefix = match prefix {
            IpNet::V4(net) => codec::VpnPrefix::v4(net.network(), net.prefix_len())?,
            IpNet::V6(net) => codec::VpnPrefix::v6(net.network(), net.prefix_len())?,
        };
        let labels = vec![codec::MplsLabelEntry::try_new(label.get(), 0, true)?];
        let route_distinguisher = codec::RouteDistinguisher::new(distinguisher.0);
        let nlri = codec::VpnNlri { labels, route_distinguisher, prefix };
        all.push(codec::VpnNlriEntry { path_id: 0, nlri });
    }
    Ok(all)
}

// Type codes (RFC 4271 §5.1.3, RFC 4760 §3, §4).
const NEXT_HOP: u8 = 3;
const MP_REACH_NLRI: u8 = 14;
const MP_UNREACH_NLRI: u8 = 15;
