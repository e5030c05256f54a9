//! Scenarios that come with the binary: files with comments, to run as they are or to start from.

/// A scenario that comes with the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// The file.
    pub text: &'static str,
}

/// All presets, in the order to show them.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

static PRESETS: [Preset; 10] = [
    Preset {
        name: "direct",
        summary: "one site, ExpressRoute Direct: two 100G ports, QinQ, private peering, one virtual network",
        text: include_str!("presets/direct.toml"),
    },
    Preset {
        name: "direct-10g-dot1q",
        summary: "the same on two 10G ports with one tag, and two edge routers on the customer's side",
        text: include_str!("presets/direct-10g-dot1q.toml"),
    },
    Preset {
        name: "exchange",
        summary: "cloud exchange co-location: a switch for each plane maps the customer's VLAN to the S-tag",
        text: include_str!("presets/exchange.toml"),
    },
    Preset {
        name: "ethernet",
        summary: "point-to-point Ethernet: a pseudowire for each plane through a carrier's label-switched network",
        text: include_str!("presets/ethernet.toml"),
    },
    Preset {
        name: "ipvpn",
        summary: "any-to-any: two sites and the cloud in a carrier's layer-3 VPN, with a transport and a VPN label",
        text: include_str!("presets/ipvpn.toml"),
    },
    Preset {
        name: "metro",
        summary: "high resiliency: one circuit whose links meet Microsoft in two places of one area",
        text: include_str!("presets/metro.toml"),
    },
    Preset {
        name: "maximum",
        summary: "maximum resiliency: two circuits in two peering locations behind one gateway",
        text: include_str!("presets/maximum.toml"),
    },
    Preset {
        name: "global-reach",
        summary: "two sites reach each other over their joined circuits: no virtual network, no gateway",
        text: include_str!("presets/global-reach.toml"),
    },
    Preset {
        name: "reference",
        summary: "the reference architecture: both peerings, two virtual networks, public services, the internet",
        text: include_str!("presets/reference.toml"),
    },
    Preset {
        name: "lsr",
        summary: "one label-switching router with label entries, a cross-connect, a pseudowire and routes",
        text: include_str!("presets/lsr.toml"),
    },
];
