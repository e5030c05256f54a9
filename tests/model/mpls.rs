//! Label switching: RFC 3032 with the TTL models of RFC 3443, special labels of RFC 7274, entropy labels of RFC 6790.

use super::l2::{self, Unit};
use super::octets::{self, IPV4, IPV6, Lse};
use super::{Job, LabelOp, Payload, Punt, Sent, Stop, TtlModel, ip};

const EXPLICIT_NULL_V4: u32 = 0;
const ROUTER_ALERT: u32 = 1;
const EXPLICIT_NULL_V6: u32 = 2;
const IMPLICIT_NULL: u32 = 3;
const ENTROPY_INDICATOR: u32 = 7;
const EXTENSION: u32 = 15;

/// What a stack at work remembers of the entries that are gone from it.
#[derive(Default)]
struct Past {
    /// TTL in and TC of an entry popped by the uniform model, for what it exposed.
    uniform: Option<(u8, u8)>,
    /// Some entry had no TTL left: nothing may be forwarded any more.
    expired: bool,
    /// Router alerts to push back, topmost first.
    alerts: Vec<Lse>,
}

/// Forwards a labelled packet: the octets begin with its top entry.
pub fn forward(job: &mut Job<'_>, ethertype: u16, stack: Vec<u8>) -> Result<Sent, Stop> {
    job.class = Some(octets::lse(&stack)?.tc);
    let mut past = Past::default();
    let sent = switch(job, &mut past, ethertype, stack)?;
    // RFC 3032 section 2.4.2: neither forwarded, nor popped and forwarded, with an outgoing TTL of 0.
    if past.expired { Err(Stop::Punt(Punt::MplsTtlExpired)) } else { Ok(sent) }
}

/// Looks labels up until the packet leaves.
fn switch(job: &mut Job<'_>, past: &mut Past, ethertype: u16, mut rest: Vec<u8>) -> Result<Sent, Stop> {
    for _ in 0..16 {
        let mut top = octets::lse(&rest)?;
        if let Some((ttl, tc)) = past.uniform.take() {
            (top.ttl, top.tc) = (ttl, tc);
        }
        match top.label {
            EXPLICIT_NULL_V4 | EXPLICIT_NULL_V6 => {
                if pop_here(past, &mut rest, top, job.router.null_ttl)? {
                    let family = if top.label == EXPLICIT_NULL_V4 { IPV4 } else { IPV6 };
                    return look_up_packet(job, past, 0, &[family], rest);
                }
            }
            ROUTER_ALERT if !top.bottom => {
                past.expired |= top.ttl <= 1;
                past.alerts.push(Lse { ttl: top.ttl.saturating_sub(1), ..top });
                rest.drain(..4);
            }
            IMPLICIT_NULL => return Err(Stop::Drop("implicit_null")),
            _ if indicator_at(&rest).is_some() => return Err(Stop::Drop("entropy_label")),
            0..16 => return Err(Stop::Drop("reserved_label")),
            label => {
                let entry = job.router.labels.get(&label).ok_or(Stop::Drop("unknown_label"))?;
                if let LabelOp::PopLookup { vrf } = entry.op {
                    if pop_here(past, &mut rest, top, entry.ttl)? {
                        return look_up_packet(job, past, vrf, &[IPV4, IPV6], rest);
                    }
                } else {
                    return operate(job, past, ethertype, rest, top);
                }
            }
        }
    }
    Err(Stop::Drop("label_stack_depth"))
}

/// Pops the top at its egress, and an entropy pair that it covered; tells whether the bottom is gone.
fn pop_here(past: &mut Past, rest: &mut Vec<u8>, top: Lse, model: TtlModel) -> Result<bool, Stop> {
    rest.drain(..4);
    past.expired |= top.ttl <= 1;
    if model == TtlModel::Uniform {
        past.uniform = Some((top.ttl, top.tc));
    }
    if top.bottom {
        return Ok(true);
    }
    octets::lse(rest)?;
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

/// The packet beneath the bottom goes through a VRF if it is of one of these families.
fn look_up_packet(job: &mut Job<'_>, past: &Past, vrf: usize, families: &[u16], packet: Vec<u8>) -> Result<Sent, Stop> {
    let family = ip::family(&packet).filter(|family| families.contains(family));
    let family = family.ok_or(Stop::Drop("payload_mismatch"))?;
    let (ttl, tc) = past.uniform.unzip();
    ip::forward(job, vrf, family, packet, ip::Change { dscp: None, ttl, tc })
}

/// An operation that ends the packet's way through this node: `rest` still begins with the entry `top` is of, whose
/// TTL and TC a uniform pop above may have replaced.
fn operate(job: &Job<'_>, past: &Past, ethertype: u16, mut rest: Vec<u8>, top: Lse) -> Result<Sent, Stop> {
    if top.ttl <= 1 {
        return Err(Stop::Punt(Punt::MplsTtlExpired));
    }
    let ttl = top.ttl - 1;
    rest.drain(..4);
    let entry = &job.router.labels[&top.label];
    match &entry.op {
        LabelOp::Swap { out, via } => {
            let mut stack = Vec::new();
            for (index, &label) in out.iter().enumerate() {
                let bottom = top.bottom && index + 1 == out.len();
                stack.extend(Lse { label, tc: top.tc, bottom, ttl }.octets());
            }
            stack.extend(rest);
            leave_labelled(job, past, via, ethertype, stack)
        }
        LabelOp::Pop { via, .. } if !top.bottom => {
            let mut next = octets::lse(&rest)?;
            if entry.ttl == TtlModel::Uniform {
                (next.ttl, next.tc) = (ttl, top.tc);
            }
            rest[..4].copy_from_slice(&next.octets());
            leave_labelled(job, past, via, ethertype, rest)
        }
        LabelOp::Pop { payload, via } => {
            let (family, header) = match payload {
                Payload::V4 => (IPV4, 20),
                Payload::V6 => (IPV6, 40),
                Payload::Labels => return Err(Stop::Drop("payload_mismatch")),
            };
            if rest.len() < header || ip::family(&rest) != Some(family) {
                return Err(Stop::Drop("payload_mismatch"));
            }
            if entry.ttl == TtlModel::Uniform {
                ip::write_through(family, &mut rest, ttl, top.tc);
            }
            let unit = ip::exposed_unit(family, &rest);
            l2::leave(job, l2::next_hop(job, via), rest, unit)
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

/// A stack leaves: the router alerts that were on it go back on top.
fn leave_labelled(job: &Job<'_>, past: &Past, via: &[usize], ethertype: u16, stack: Vec<u8>) -> Result<Sent, Stop> {
    l2::leave(job, l2::next_hop(job, via), stack, Unit::Labels { ethertype, alerts: &past.alerts })
}
