//! Label switching: RFC 3032 with the TTL models of RFC 3443, special labels of RFC 7274, entropy labels of RFC 6790.

use super::l2;
use super::octets::{self, IPV4, IPV6, Lse};
use super::{Job, LabelOp, Payload, Punt, Sent, Stop, TtlModel, ip};

const EXPLICIT_NULL_V4: u32 = 0;
const ROUTER_ALERT: u32 = 1;
const EXPLICIT_NULL_V6: u32 = 2;
const IMPLICIT_NULL: u32 = 3;
const ENTROPY_INDICATOR: u32 = 7;
const EXTENSION: u32 = 15;

/// Forwards a labelled packet: the octets begin with its top entry.
pub fn forward(job: &mut Job<'_>, ethertype: u16, mut rest: Vec<u8>) -> Result<Sent, Stop> {
    job.class = Some(octets::lse(&rest)?.tc);
    // TTL in and TC of an entry that the uniform model has popped, for what it exposed.
    let mut uniform = None;
    for _ in 0..16 {
        let mut top = octets::lse(&rest)?;
        if let Some((ttl, tc)) = uniform.take() {
            (top.ttl, top.tc) = (ttl, tc);
        }
        let (vrf, model, families) = match top.label {
            EXPLICIT_NULL_V4 => (0, job.router.null_ttl, &[IPV4][..]),
            EXPLICIT_NULL_V6 => (0, job.router.null_ttl, &[IPV6][..]),
            ROUTER_ALERT if !top.bottom && job.alert.is_none() => {
                job.expired |= top.ttl <= 1;
                job.alert = Some(Lse { ttl: top.ttl.saturating_sub(1), ..top });
                rest.drain(..4);
                continue;
            }
            IMPLICIT_NULL => return Err(Stop::Drop("implicit_null")),
            // What covered the pair was popped one hop before.
            _ if indicator_at(&rest).is_some() => (0, job.router.null_ttl, &[IPV4, IPV6][..]),
            special if special < 16 => return Err(Stop::Drop("reserved_label")),
            label => {
                let entry = job.router.labels.get(&label).ok_or(Stop::Drop("unknown_label"))?;
                match entry.op {
                    LabelOp::PopLookup { vrf } => (vrf, entry.ttl, &[IPV4, IPV6][..]),
                    _ => return operate(job, ethertype, rest, top),
                }
            }
        };
        let at_bottom = pop_here(job, &mut rest, top)?;
        if model == TtlModel::Uniform {
            uniform = Some((top.ttl, top.tc));
        }
        if at_bottom {
            return look_up_packet(job, uniform, vrf, families, rest);
        }
    }
    Err(Stop::Drop("label_stack_depth"))
}

/// Pops the top at its egress, and an entropy pair that it covered, or the pair if that is on top; tells whether the
/// bottom is gone.
fn pop_here(job: &mut Job<'_>, rest: &mut Vec<u8>, top: Lse) -> Result<bool, Stop> {
    job.expired |= top.ttl <= 1;
    if indicator_at(rest).is_none() {
        rest.drain(..4);
        if top.bottom {
            return Ok(true);
        }
        octets::lse(rest)?;
    }
    let Some(at) = indicator_at(rest) else { return Ok(false) };
    if octets::lse(&rest[at..])?.bottom {
        return Err(Stop::Drop("entropy_label"));
    }
    let entropy = octets::lse(&rest[at + 4..])?;
    if entropy.label < 16 {
        return Err(Stop::Drop("entropy_label"));
    }
    rest.drain(..at + 8);
    Ok(entropy.bottom)
}

/// Where the entropy label indicator is that the stack begins with: plain, or behind the extension label (RFC 7274).
fn indicator_at(stack: &[u8]) -> Option<usize> {
    let top = octets::lse(stack).ok()?;
    if top.label == ENTROPY_INDICATOR {
        return Some(0);
    }
    let extended = top.label == EXTENSION && !top.bottom;
    (extended && octets::lse(&stack[4..]).is_ok_and(|next| next.label == ENTROPY_INDICATOR)).then_some(4)
}

/// The packet beneath the bottom goes through a VRF if it is a sound one of these families.
fn look_up_packet(
    job: &mut Job<'_>,
    uniform: Option<(u8, u8)>,
    vrf: usize,
    families: &[u16],
    packet: Vec<u8>,
) -> Result<Sent, Stop> {
    let family = sound_family(families, &packet)?;
    let (ttl, tc) = uniform.unzip();
    ip::forward(job, vrf, family, packet, ip::Change { dscp: None, ttl, tc })
}

/// The family that the first nibble shows, if it is one of `families` and the header holds.
fn sound_family(families: &[u16], packet: &[u8]) -> Result<u16, Stop> {
    let family = ip::family(packet).filter(|family| families.contains(family));
    let sound = family.filter(|&family| ip::total_length(family, packet).is_ok());
    sound.ok_or(Stop::Drop("payload_mismatch"))
}

/// An operation that ends the packet's way through this node: `rest` still begins with the entry `top` is of, whose
/// TTL and TC a uniform pop above may have replaced.
fn operate(job: &Job<'_>, ethertype: u16, mut rest: Vec<u8>, top: Lse) -> Result<Sent, Stop> {
    if job.expired || top.ttl <= 1 {
        return Err(Stop::Punt(Punt::MplsTtlExpired));
    }
    let ttl = top.ttl - 1;
    rest.drain(..4);
    let entry = &job.router.labels[&top.label];
    match &entry.op {
        LabelOp::Swap { via } => {
            let hop = l2::next_hop(job, via);
            let mut stack = Vec::new();
            for (index, &label) in hop.labels.iter().enumerate() {
                let bottom = top.bottom && index + 1 == hop.labels.len();
                stack.extend(Lse { label, tc: top.tc, bottom, ttl }.octets());
            }
            stack.extend(rest);
            l2::leave_swapped(job, hop, ethertype, &stack)
        }
        LabelOp::Pop { via, .. } if !top.bottom => {
            let mut next = octets::lse(&rest)?;
            if entry.ttl == TtlModel::Uniform {
                (next.ttl, next.tc) = (ttl, top.tc);
            }
            rest[..4].copy_from_slice(&next.octets());
            l2::leave_labelled(job, l2::next_hop(job, via), ethertype, &rest)
        }
        LabelOp::Pop { payload, via } => {
            let family = match payload {
                Payload::V4 => IPV4,
                Payload::V6 => IPV6,
                Payload::Labels => return Err(Stop::Drop("payload_mismatch")),
            };
            sound_family(&[family], &rest)?;
            if entry.ttl == TtlModel::Uniform {
                ip::write_through(family, &mut rest, ttl, top.tc);
            }
            let (total, ttl) = (rest.len(), rest[ip::ttl_at(family)]);
            l2::leave_as_ip(job, l2::next_hop(job, via), family, total, ttl, rest)
        }
        LabelOp::PopPseudowire { control_word, port, push, mtu } => {
            if !top.bottom {
                return Err(Stop::Drop("payload_mismatch"));
            }
            l2::attachment(job, *control_word, *port, push, *mtu, &rest)
        }
        LabelOp::PopLookup { .. } => unreachable!("looked up by the caller"),
    }
}
