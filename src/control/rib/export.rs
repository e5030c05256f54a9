//! What a peer is to be told of a prefix: the best route, as the kind of peer and its policy make it.

use super::adj_out::OutKey;
use super::policy::{NO_ADVERTISE, NO_EXPORT, NO_EXPORT_SUBCONFED};
use super::table::{Source, View, VpnConfig};
use super::{DEFAULT_LOCAL_PREF, PeerConfig, PeerId, Rib};
use crate::control::rib::decision::Learned;
use crate::control::route::{Attributes, Family, Nlri, Vpn};
use crate::id::VrfId;
use ipnet::IpNet;
use std::sync::Arc;

impl PeerConfig {
    /// The family that routes of `vrf` to `prefix` go to this peer as, if they do.
    pub(super) fn family_of(&self, vrf: VrfId, vpn: Option<&VpnConfig>, prefix: IpNet) -> Option<Family> {
        let (plain, of_vpn) = match prefix {
            IpNet::V4(_) => (Family::Ipv4, Family::VpnIpv4),
            IpNet::V6(_) => (Family::Ipv6, Family::VpnIpv6),
        };
        if vpn.is_some() && self.vrf != vrf {
            return self.families.contains(&of_vpn).then_some(of_vpn);
        }
        (self.vrf == vrf && self.families.contains(&plain)).then_some(plain)
    }
}

impl Rib {
    /// What `peer` is to believe of `key`.
    pub(super) fn wanted(&self, peer: PeerId, (vrf, prefix): OutKey) -> Option<(Nlri, Arc<Attributes>)> {
        let config = &self.peers[peer.index()].config;
        let table = self.vrfs.get(&vrf)?;
        let entry = table.routes.get(&prefix)?;
        let path = entry.path(*entry.chosen.first()?)?;
        let family = config.family_of(vrf, table.vpn.as_ref(), prefix)?;
        let learned = self.view(vrf).learned(path.source);
        if path.source.peer() == Some(peer) || !may_pass(&path.attributes, learned, config) {
            return None;
        }
        let vpn = match family {
            Family::VpnIpv4 | Family::VpnIpv6 => table.vpn.as_ref(),
            Family::Ipv4 | Family::Ipv6 => None,
        };
        let attributes = self.exported(config, prefix, &path.attributes, path.source, vpn)?;
        let vpn = vpn.map(|vpn| Vpn { distinguisher: vpn.distinguisher, label: vpn.label });
        Some((Nlri { prefix, vpn }, Arc::new(attributes)))
    }

    fn exported(
        &self,
        config: &PeerConfig,
        prefix: IpNet,
        attributes: &Attributes,
        source: Source,
        vpn: Option<&VpnConfig>,
    ) -> Option<Attributes> {
        let mut attributes = attributes.clone();
        let is_own = source == Source::Originated;
        // RFC 4271 §5.1.4: what another system would rather have is nobody's business beyond this one.
        if config.is_external() && !is_own {
            attributes.med = None;
        }
        let local_as = self.config.local_as;
        let (mut attributes, _) = config.export.apply(local_as, prefix, attributes, 0)?;
        if config.is_external() {
            // RFC 4271 §5.1.2 b, §5.1.3, §5.1.5. Route targets mean nothing outside.
            attributes.as_path = attributes.as_path.prepended(local_as, 1);
            attributes.next_hop = config.local_address;
            attributes.local_pref = None;
            // RFC 4360 §6: what is not transitive goes to no other system.
            attributes.extended_communities.retain(|one| !is_route_target(one) && one[0] & NON_TRANSITIVE == 0);
        } else {
            attributes.local_pref = Some(attributes.local_pref.unwrap_or(DEFAULT_LOCAL_PREF));
            if config.next_hop_self || is_own || vpn.is_some() {
                attributes.next_hop = config.local_address;
            }
        }
        if let Some(vpn) = vpn {
            attributes.extended_communities.extend(&vpn.export_targets);
            attributes.extended_communities.sort_unstable();
            attributes.extended_communities.dedup();
        }
        Some(attributes)
    }

    pub(super) fn view(&self, vrf: VrfId) -> View<'_> {
        View { vrf, peers: &self.peers, next_hops: &self.next_hops, config: &self.config.decision }
    }
}

/// What well-known communities (RFC 1997) and the rule of iBGP allow: without reflection, what an internal peer said
/// goes to no other (RFC 4271 §9.2).
fn may_pass(attributes: &Attributes, learned: Learned, to: &PeerConfig) -> bool {
    let has = |community| attributes.communities.contains(&community);
    let is_kept = to.is_external() && (has(NO_EXPORT) || has(NO_EXPORT_SUBCONFED));
    let is_reflection = !to.is_external() && learned == Learned::Internal;
    !(has(NO_ADVERTISE) || is_kept || is_reflection)
}

/// The T bit of an extended community's type (RFC 4360 §2).
const NON_TRANSITIVE: u8 = 0x40;

/// RFC 4360 §4: of two-octet, address and four-octet kind.
const fn is_route_target(community: &[u8; 8]) -> bool {
    matches!(community, [0..=2, 2, ..])
}
