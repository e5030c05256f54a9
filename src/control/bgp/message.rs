//! BGP messages as the rest of the control plane knows them, to octets and back; nothing outside this folder sees the codec.

use super::update::{self, Update};
use crate::control::Family;
use bytes::Bytes;
use rustbgpd_wire as codec;
use rustbgpd_wire::{Afi, Capability, DecodeError, NotificationCode, Safi};
use std::net::Ipv4Addr;

/// A message (RFC 4271 §4, RFC 2918).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who speaks and what it can do.
    Open(Open),
    /// Routes.
    Update(Update),
    /// Why the session ends.
    Notification(Notification),
    /// The sender is there.
    Keepalive,
    /// The sender wants all routes of the family again; `None` is one that is not known here, to be ignored (RFC 2918 §4).
    RouteRefresh(Option<Family>),
}

/// What a speaker says of itself at the start (RFC 4271 §4.2, capabilities of RFC 5492).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Its autonomous system, of two or four octets; not 0.
    pub local_as: u32,
    /// The hold time that it proposes, in seconds: 0, or 3 and more.
    pub hold_s: u16,
    /// Its BGP identifier; not 0.0.0.0.
    pub router_id: Ipv4Addr,
    /// The families that it carries routes of, of those that are known here, in its order: what it lists, and IPv4 if it
    /// lists nothing at all (RFC 4760 §8). Another that is not known is left aside.
    pub families: Vec<Family>,
    /// RFC 2918.
    pub route_refresh: bool,
    /// RFC 6793: AS numbers in its paths have four octets.
    pub four_octet_as: bool,
    /// RFC 4724: what is known here of it. Routes do not outlive a session here.
    pub graceful_restart: Option<GracefulRestart>,
}

/// What a speaker says of its restarts (RFC 4724 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GracefulRestart {
    /// It has restarted.
    pub restarted: bool,
    /// How long it may take to come back, in seconds; 12 bits.
    pub restart_time_s: u16,
    /// The families, and whether forwarding went on.
    pub families: Vec<(Family, bool)>,
}

/// Why a session ends (RFC 4271 §4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Error code: 1 header, 2 OPEN, 3 UPDATE, 4 hold timer, 5 state machine, 6 Cease.
    pub code: u8,
    /// Of that code; 0 is unspecific.
    pub subcode: u8,
    /// What was wrong, as the subcode says.
    pub data: Vec<u8>,
}

/// What decides how the octets of UPDATEs are read: it follows from both OPENs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Both have said RFC 6793.
    pub four_octet_as: bool,
    /// Both are of one autonomous system.
    pub is_internal: bool,
    /// What both speak; routes of other families are ignored.
    pub families: Vec<Family>,
}

impl Open {
    /// Whether it carries routes of `family`.
    pub fn speaks(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    fn from_codec(open: &codec::OpenMessage) -> Result<Open, Notification> {
        let mut families = Vec::new();
        if !open.capabilities.iter().any(|capability| capability.code() == MULTIPROTOCOL) {
            families.push(Family::Ipv4);
        }
        let mut graceful_restart = None;
        for capability in &open.capabilities {
            match capability {
                Capability::MultiProtocol { afi, safi } => {
                    if let Some(family) = family(*afi, *safi).filter(|family| !families.contains(family)) {
                        families.push(family);
                    }
                }
                Capability::GracefulRestart { restart_state, restart_time, families: of, .. } => {
                    graceful_restart = Some(GracefulRestart {
                        restarted: *restart_state,
                        restart_time_s: *restart_time,
                        families: of
                            .iter()
                            .filter_map(|of| Some((family(of.afi, of.safi)?, of.forwarding_preserved)))
                            .collect(),
                    });
                }
                _ => {}
            }
        }
        let has = |wanted: fn(&Capability) -> bool| open.capabilities.iter().any(wanted);
        let open = Open {
            local_as: open.four_byte_as(),
            hold_s: open.hold_time,
            router_id: open.bgp_identifier,
            families,
            route_refresh: has(|c| matches!(c, Capability::RouteRefresh)),
            four_octet_as: has(|c| matches!(c, Capability::FourOctetAs { .. })),
            graceful_restart,
        };
        open.checked()
    }

    /// RFC 4271 §6.2, as far as it needs no configuration; an AS of 0 is RFC 7607.
    fn checked(self) -> Result<Open, Notification> {
        match self {
            Open { local_as: 0, .. } => Err(Notification::new(2, 2)),
            Open { router_id: Ipv4Addr::UNSPECIFIED, .. } => Err(Notification::new(2, 3)),
            Open { hold_s: 1 | 2, .. } => Err(Notification::new(2, 6)),
            open => Ok(open),
        }
    }

    fn to_codec(&self) -> codec::OpenMessage {
        let mut capabilities: Vec<_> = self
            .families
            .iter()
            .map(|&of| codes(of))
            .map(|(afi, safi)| Capability::MultiProtocol { afi, safi })
            .collect();
        if self.route_refresh {
            capabilities.push(Capability::RouteRefresh);
        }
        if self.four_octet_as {
            capabilities.push(Capability::FourOctetAs { asn: self.local_as });
        }
        if let Some(restart) = &self.graceful_restart {
            let of = |&(family, forwarding_preserved): &(Family, bool)| {
                let (afi, safi) = codes(family);
                codec::GracefulRestartFamily { afi, safi, forwarding_preserved }
            };
            capabilities.push(Capability::GracefulRestart {
                restart_state: restart.restarted,
                notification: false,
                restart_time: restart.restart_time_s,
                families: restart.families.iter().map(of).collect(),
            });
        }
        codec::OpenMessage {
            version: 4,
            my_as: u16::try_from(self.local_as).unwrap_or(AS_TRANS),
            hold_time: self.hold_s,
            bgp_identifier: self.router_id,
            capabilities,
        }
    }
}

impl Notification {
    /// With no data.
    pub const fn new(code: u8, subcode: u8) -> Self {
        Notification { code, subcode, data: Vec::new() }
    }

    /// What the operator of the other end says of its shutdown or reset (RFC 9003); `None` if there is no well-formed text.
    pub fn communication(&self) -> Option<String> {
        matches!((self.code, self.subcode), (6, 2 | 4))
            .then(|| codec::notification::decode_shutdown_communication(&self.data))?
    }

    pub(super) fn from_error(error: &DecodeError) -> Notification {
        let (code, subcode, data) = error.to_notification();
        Notification { code: code.as_u8(), subcode, data: data.to_vec() }
    }
}

/// The octets of the message that `stream` begins with, `None` while its header is not whole. What RFC 4271 §6.1 finds
/// wrong is the error: after it nothing of the stream can be read.
pub fn length(stream: &[u8]) -> Result<Option<usize>, Notification> {
    let Some(header) = stream.first_chunk::<HEADER_OCTETS>() else {
        // What is there of a wrong marker is enough to know it.
        let is_marker = stream.iter().take(16).all(|&octet| octet == 0xff);
        return if is_marker { Ok(None) } else { Err(Notification::new(1, 1)) };
    };
    if header[..16] != [0xff; 16] {
        return Err(Notification::new(1, 1));
    }
    let (octets, kind) = ([header[16], header[17]], header[18]);
    let length = usize::from(u16::from_be_bytes(octets));
    let range = match kind {
        1 => 29..=MAX_OCTETS,
        2 => 23..=MAX_OCTETS,
        3 => 21..=MAX_OCTETS,
        4 => HEADER_OCTETS..=HEADER_OCTETS,
        5 => 23..=MAX_OCTETS,
        // The length is judged first, as in the order of §6.1.
        _ if (HEADER_OCTETS..=MAX_OCTETS).contains(&length) => {
            return Err(Notification { code: 1, subcode: 3, data: vec![kind] });
        }
        _ => HEADER_OCTETS..=MAX_OCTETS,
    };
    if range.contains(&length) {
        Ok(Some(length))
    } else {
        Err(Notification { code: 1, subcode: 2, data: octets.to_vec() })
    }
}

/// The message that `octets` are, whole and no more than that; the error is what to answer before the session ends.
pub fn decode(octets: &[u8], peering: &Peering) -> Result<Message, Notification> {
    if length(octets)? != Some(octets.len()) {
        return Err(Notification { code: 1, subcode: 2, data: octets.get(16..18).unwrap_or_default().to_vec() });
    }
    let mut rest = Bytes::copy_from_slice(octets);
    let limit = MAX_OCTETS as u16;
    match codec::decode_message(&mut rest, limit).map_err(|error| Notification::from_error(&error))? {
        codec::Message::Open(open) => Open::from_codec(&open).map(Message::Open),
        codec::Message::Update(update) => update::from_codec(&update, peering).map(Message::Update),
        codec::Message::Notification(codec::NotificationMessage { code, subcode, data }) => {
            Ok(Message::Notification(Notification { code: code.as_u8(), subcode, data: data.to_vec() }))
        }
        codec::Message::Keepalive => Ok(Message::Keepalive),
        codec::Message::RouteRefresh(refresh) => {
            let known = refresh.afi().zip(refresh.safi()).and_then(|(afi, safi)| family(afi, safi));
            // Its other subtypes (RFC 7313) are not spoken here: they are as if of a family that is not known.
            Ok(Message::RouteRefresh(known.filter(|_| refresh.subtype_raw == 0)))
        }
        // The codec may learn further types; `length` has let none of them pass.
        _ => Err(Notification { code: 1, subcode: 3, data: octets.get(18..19).unwrap_or_default().to_vec() }),
    }
}

/// The octets of a message, or of the messages that an UPDATE takes.
///
/// # Errors
/// What BGP has no octets for: see [`update::EncodeError`].
pub fn encode(message: &Message, peering: &Peering) -> Result<Vec<Vec<u8>>, update::EncodeError> {
    let message = match message {
        Message::Open(open) => codec::Message::Open(open.to_codec()),
        Message::Update(update) => {
            let mut all = Vec::new();
            for routes in &update.routes {
                all.extend(update::encode_update(routes, peering)?);
            }
            return Ok(all);
        }
        Message::Notification(Notification { code, subcode, data }) => {
            codec::Message::Notification(codec::NotificationMessage {
                code: NotificationCode::from_u8(*code),
                subcode: *subcode,
                data: Bytes::copy_from_slice(data),
            })
        }
        Message::Keepalive => codec::Message::Keepalive,
        Message::RouteRefresh(None) => return Ok(Vec::new()),
        Message::RouteRefresh(Some(of)) => {
            let (afi, safi) = codes(*of);
            codec::Message::RouteRefresh(codec::RouteRefreshMessage::new(afi, safi))
        }
    };
    Ok(vec![codec::encode_message(&message)?.to_vec()])
}

pub(super) fn family(afi: Afi, safi: Safi) -> Option<Family> {
    match (afi, safi) {
        (Afi::Ipv4, Safi::Unicast) => Some(Family::Ipv4),
        (Afi::Ipv6, Safi::Unicast) => Some(Family::Ipv6),
        (Afi::Ipv4, Safi::MplsVpn) => Some(Family::VpnIpv4),
        (Afi::Ipv6, Safi::MplsVpn) => Some(Family::VpnIpv6),
        _ => None,
    }
}

pub(super) const fn codes(family: Family) -> (Afi, Safi) {
    match family {
        Family::Ipv4 => (Afi::Ipv4, Safi::Unicast),
        Family::Ipv6 => (Afi::Ipv6, Safi::Unicast),
        Family::VpnIpv4 => (Afi::Ipv4, Safi::MplsVpn),
        Family::VpnIpv6 => (Afi::Ipv6, Safi::MplsVpn),
    }
}

const HEADER_OCTETS: usize = 19;

/// The longest message (RFC 4271 §4.1).
pub(super) const MAX_OCTETS: usize = 4096;

/// What stands for an autonomous system that two octets cannot hold (RFC 6793 §9).
const AS_TRANS: u16 = 23456;

/// The code of the capability that lists a family, known or not (RFC 4760 §8).
const MULTIPROTOCOL: u8 = 1;

#[cfg(test)]
mod tests;
