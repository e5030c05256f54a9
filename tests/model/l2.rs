//! Ethernet: which sub-interface a frame belongs to, its layer-2 services, and how a packet leaves through a next hop.

use super::octets::{self, Lse, be16, typed};
use super::{Accept, EgressTags, Job, Key, NextHop, Port, Punt, PushTtl, Sent, Service, Stop, Sub, Tag, ip, mpls};

/// Takes a frame of at least 14 octets in at a port.
pub fn arrive(job: &mut Job<'_>, port: &Port, frame: &[u8]) -> Result<Sent, Stop> {
    let tags = considered_tags(port, frame);
    if tags.iter().any(|tag| octets::vid(tag) == 4095) {
        return Err(Stop::Drop("vid_reserved"));
    }
    let skipped = tags.iter().take_while(|tag| octets::vid(tag) == 0).count();
    let keys = &tags[skipped..];
    match port.accept {
        Accept::OnlyTagged if keys.is_empty() => return Err(Stop::Drop("untagged_not_accepted")),
        Accept::OnlyUntagged if !keys.is_empty() => return Err(Stop::Drop("tagged_not_accepted")),
        _ => {}
    }
    let (sub, matched) = sub_interface(port, keys)?;
    match &sub.service {
        Service::Route { vrf, mpls, dscp_reset } => {
            job.removed = tags[..skipped + matched].to_vec();
            let rest = &frame[12 + 4 * job.removed.len()..];
            if skipped > 0 {
                job.class = Some(octets::pcp(&tags[0]));
            }
            routed(job, port, *vrf, *mpls, *dscp_reset, rest)
        }
        Service::CrossConnect { pop, push, port, filter_reserved, mtu } => {
            if *filter_reserved && job.dst[..5] == [1, 0x80, 0xc2, 0, 0] && job.dst[5] < 0x10 {
                return Err(Stop::Drop("reserved_mac"));
            }
            job.class = Some(tags.first().map_or(0, octets::pcp));
            let rest = &frame[12 + 4 * taken_off(*pop, skipped, matched)..];
            let (pcp, dei) = tags.first().map_or((0, 0), |tag| (octets::pcp(tag), octets::dei(tag)));
            cross_connect(job, *port, *mtu, push, (pcp, dei), rest)
        }
        Service::Pseudowire { pop, control_word, hop } => {
            job.class = Some(tags.first().map_or(0, octets::pcp));
            let mut inner = frame[..12].to_vec();
            inner.extend_from_slice(&frame[12 + 4 * taken_off(*pop, skipped, matched)..]);
            pseudowire(job, *control_word, *hop, inner)
        }
    }
}

/// The tags that count for this port: the first by its outer TPIDs, the second by its inner ones.
fn considered_tags(port: &Port, frame: &[u8]) -> Vec<[u8; 4]> {
    let mut tags = Vec::new();
    for known in [&port.outer_tpids, &port.inner_tpids] {
        let at = 12 + 4 * tags.len();
        // A tag is whole when a type follows it.
        if frame.len() < at + 6 || !known.contains(&be16(frame, at)) {
            break;
        }
        tags.push([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
    }
    tags
}

/// The sub-interface of these tags, and how many of them it matched.
fn sub_interface<'p>(port: &'p Port, keys: &[[u8; 4]]) -> Result<(&'p Sub, usize), Stop> {
    let vids: Vec<u16> = keys.iter().map(octets::vid).collect();
    let mut candidates = Vec::new();
    match vids[..] {
        [] => candidates.push((Key::Untagged, 0)),
        [outer] => candidates.push((Key::Outer(outer), 1)),
        [outer, inner, ..] => {
            candidates.push((Key::Pair(outer, inner), 2));
            candidates.push((Key::Outer(outer), 1));
        }
    }
    candidates.push((Key::Any, 0));
    for (key, matched) in candidates {
        if let Some(sub) = port.subs.iter().find(|sub| sub.key == key) {
            return Ok((sub, matched));
        }
    }
    Err(Stop::Drop(if vids.is_empty() { "untagged_not_accepted" } else { "vlan_not_member" }))
}

/// How many tags a layer-2 service that pops `pop` of the matched ones takes off.
fn taken_off(pop: usize, skipped: usize, matched: usize) -> usize {
    if pop == 0 { 0 } else { skipped + pop.min(matched) }
}

/// A routed service: only IP and MPLS are of interest.
fn routed(
    job: &mut Job<'_>,
    port: &Port,
    vrf: usize,
    mpls_enabled: bool,
    dscp_reset: Option<u8>,
    rest: &[u8],
) -> Result<Sent, Stop> {
    let payload = rest[2..].to_vec();
    match be16(rest, 0) {
        octets::IPV4 | octets::IPV6 => {
            let family = be16(rest, 0);
            ip::forward(job, vrf, family, payload, ip::Change { dscp: dscp_reset, ..Default::default() })
        }
        ethertype @ (octets::MPLS | octets::MPLS_MULTICAST) => {
            if !mpls_enabled {
                return Err(Stop::Drop("mpls_not_enabled"));
            }
            mpls::forward(job, ethertype, payload)
        }
        octets::ARP => Err(Stop::Drop("arp")),
        length if length < 0x600 => Err(Stop::Drop("llc")),
        tpid if is_tpid(tpid) => {
            let known = if job.removed.is_empty() { &port.outer_tpids } else { &port.inner_tpids };
            Err(Stop::Drop(if known.contains(&tpid) { "not_ip" } else { "unknown_tpid" }))
        }
        _ => Err(Stop::Drop("not_ip")),
    }
}

/// Onto an Ethernet circuit: `rest` begins with a type, perhaps of a tag.
fn cross_connect(
    job: &Job<'_>,
    port: usize,
    mtu: usize,
    push: &[Tag],
    (pcp, dei): (u8, u8),
    rest: &[u8],
) -> Result<Sent, Stop> {
    let mut leaving: Vec<u8> = push.iter().flat_map(|tag| octets::tag_octets(tag, pcp, dei)).collect();
    leaving.extend_from_slice(rest);
    let tags = (0..2).take_while(|tag| leaving.len() >= 4 * tag + 6 && is_tpid(be16(&leaving, 4 * tag))).count();
    if leaving.len() - 2 - 4 * tags > mtu {
        return Err(Stop::Drop("mtu_exceeded"));
    }
    Ok(Sent { port, octets: octets::frame(&job.dst, &job.src, &[], &leaving) })
}

fn is_tpid(ethertype: u16) -> bool {
    octets::TPIDS.contains(&ethertype)
}

/// Into the pseudowire: RFC 4448 section 4.
fn pseudowire(job: &Job<'_>, control_word: bool, hop: usize, inner: Vec<u8>) -> Result<Sent, Stop> {
    let hop = &job.router.next_hops[hop];
    let mut packet = if control_word { vec![0; 4] } else { vec![] };
    packet.extend(inner);
    let stack: Vec<u8> = pushed_labels(job, hop, 255, true).iter().flat_map(Lse::octets).collect();
    if stack.len() + packet.len() > hop.mtu {
        return Err(Stop::Drop("mtu_exceeded"));
    }
    Ok(send(job, hop, octets::MPLS, &[stack, packet].concat()))
}

/// The next hop among `via` that the closure picks.
pub fn next_hop<'a>(job: &Job<'a>, via: &[usize]) -> &'a NextHop {
    &job.router.next_hops[via[(job.choose)(via.len())]]
}

/// Sends an IP packet, `total` octets long (what is behind that is padding), through a next hop.
pub fn leave_as_ip(
    job: &Job<'_>,
    hop: &NextHop,
    family: u16,
    total: usize,
    ttl: u8,
    mut packet: Vec<u8>,
) -> Result<Sent, Stop> {
    let pushed = pushed_labels(job, hop, ttl, true);
    if pushed.is_empty() {
        fits(hop, total, 0)?;
        if packet.len() > hop.mtu {
            packet.truncate(total);
        }
        return Ok(send(job, hop, family, &packet));
    }
    let mut stack: Vec<u8> = job.alert.iter().chain(&pushed).flat_map(Lse::octets).collect();
    fits(hop, stack.len() + total, stack.len())?;
    if stack.len() + packet.len() > hop.mtu {
        packet.truncate(total);
    }
    stack.extend(packet);
    Ok(send(job, hop, octets::MPLS, &stack))
}

/// Sends a packet that begins with a label stack, onto which the next hop pushes its labels.
pub fn leave_labelled(job: &Job<'_>, hop: &NextHop, ethertype: u16, rest: &[u8]) -> Result<Sent, Stop> {
    let pushed = pushed_labels(job, hop, octets::lse(rest)?.ttl, false);
    leave_swapped(job, hop, ethertype, &[pushed.iter().flat_map(Lse::octets).collect(), rest.to_vec()].concat())
}

/// Sends a packet whose label stack is as it shall be, but for a router alert.
pub fn leave_swapped(job: &Job<'_>, hop: &NextHop, ethertype: u16, stack: &[u8]) -> Result<Sent, Stop> {
    let alert: Vec<u8> = job.alert.iter().flat_map(Lse::octets).collect();
    let stack = [&alert, stack].concat();
    fits(hop, stack.len(), 4 * octets::depth(&stack))?;
    Ok(send(job, hop, ethertype, &stack))
}

/// RFC 3032 section 3.4: what is too big is told E - N, N being the octets of the labels.
fn fits(hop: &NextHop, octets: usize, labels: usize) -> Result<(), Stop> {
    if octets <= hop.mtu { Ok(()) } else { Err(Stop::Punt(Punt::MtuExceeded(hop.mtu.saturating_sub(labels)))) }
}

/// The Ethernet header and the tags of a next hop.
fn send(job: &Job<'_>, hop: &NextHop, ethertype: u16, payload: &[u8]) -> Sent {
    let tags = match &hop.tags {
        EgressTags::Keep => job.removed.clone(),
        EgressTags::Push(tags) => tags.iter().map(|tag| octets::tag_octets(tag, job.class.unwrap_or(0), 0)).collect(),
    };
    Sent { port: hop.port, octets: octets::frame(&hop.dst, &hop.src, &tags, &typed(ethertype, payload)) }
}

/// The entries that a next hop pushes, top first, onto something with this TTL.
fn pushed_labels(job: &Job<'_>, hop: &NextHop, ttl: u8, onto_bottom: bool) -> Vec<Lse> {
    let ttl = match hop.push_ttl {
        PushTtl::Uniform => ttl,
        PushTtl::Pipe(fixed) => fixed,
    };
    let tc = hop.push_tc.or(job.class).unwrap_or(0);
    let mut entries: Vec<_> = hop.labels.iter().map(|&label| Lse { label, tc, bottom: false, ttl }).collect();
    if hop.entropy && !entries.is_empty() {
        // RFC 6790 section 4.2: <TL, ELI, EL>, the ELI with TTL and TC of the TL, the EL with TTL 0.
        let value = 16 + job.hash % ((1 << 20) - 16);
        entries.insert(1, Lse { label: 7, tc, bottom: false, ttl });
        entries.insert(2, Lse { label: value, tc: 0, bottom: false, ttl: 0 });
    }
    if onto_bottom && let Some(last) = entries.last_mut() {
        last.bottom = true;
    }
    entries
}

/// Out of the pseudowire: what was beneath the bottom label, onto the attachment circuit.
pub fn attachment(
    job: &Job<'_>,
    control_word: bool,
    port: usize,
    push: &[Tag],
    mtu: usize,
    packet: &[u8],
) -> Result<Sent, Stop> {
    let mut inner = packet;
    if control_word {
        if inner.len() < 4 {
            return Err(Stop::Drop("payload_mismatch"));
        }
        match inner[0] >> 4 {
            0 => inner = &inner[4..],
            1 => return Err(Stop::Drop("pseudowire_ach")),
            _ => return Err(Stop::Drop("control_word")),
        }
    }
    if inner.len() < 14 {
        return Err(Stop::Drop("payload_mismatch"));
    }
    let rest = &inner[12..];
    let (pcp, dei) = if rest.len() >= 6 && is_tpid(be16(rest, 0)) { (rest[2] >> 5, rest[2] >> 4 & 1) } else { (0, 0) };
    let dst = inner[..6].try_into().unwrap(); // at least 14 octets
    let src = inner[6..12].try_into().unwrap();
    cross_connect(&Job { dst, src, removed: vec![], ..*job }, port, mtu, push, (pcp, dei), rest)
}
