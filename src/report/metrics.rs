//! Metrics by the names, units and dimensions that Azure Monitor has for them, over one span of time.

use serde::{Serialize, Serializer};
use std::fmt;

/// The span of time that metrics are over, in picoseconds from the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MetricsSpan {
    /// From then.
    pub from_ps: u64,
    /// Until then.
    pub to_ps: u64,
}

/// A value of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// What it is.
    #[serde(flatten)]
    pub definition: &'static Definition,
    /// Of which resource.
    pub resource: Resource,
    /// Azure's names of dimensions, in Azure's order, each with its value.
    #[serde(serialize_with = "as_map")]
    pub dimensions: Vec<(&'static str, String)>,
    /// The value in the metric's unit.
    pub value: Thousandths,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// Azure's name of it (that of the REST interface).
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// How Azure aggregates it.
    pub aggregation: Aggregation,
    /// What it says, in a line.
    #[serde(skip)]
    pub help: &'static str,
}

/// Azure's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// A number of things, or a state.
    Count,
    /// A number of things per second.
    CountPerSecond,
    /// Bits per second.
    BitsPerSecond,
    /// Hundredths.
    Percent,
}

/// Azure's ways to make one value of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Aggregation {
    /// The mean.
    Average,
    /// The greatest.
    Maximum,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Azure's name of its type.
    #[serde(rename = "type")]
    pub kind: ResourceType,
    /// Its name in the scenario.
    pub name: String,
}

/// Azure's types of resources that have metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ResourceType {
    /// A circuit.
    #[serde(rename = "Microsoft.Network/expressRouteCircuits")]
    Circuit,
    /// A port pair of ExpressRoute Direct.
    #[serde(rename = "Microsoft.Network/expressRoutePorts")]
    Ports,
    /// A virtual network gateway.
    #[serde(rename = "Microsoft.Network/virtualNetworkGateways")]
    Gateway,
}

impl ResourceType {
    /// The label that has the resource's name in the Prometheus text.
    pub(super) const fn label(self) -> &'static str {
        match self {
            ResourceType::Circuit => "circuit",
            ResourceType::Ports => "port_pair",
            ResourceType::Gateway => "gateway",
        }
    }
}

/// A decimal number of three places, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thousandths(u128);

impl Thousandths {
    /// A whole number.
    pub const fn whole(number: u64) -> Self {
        Thousandths(number as u128 * 1000)
    }

    /// So many thousandths.
    pub const fn new(thousandths: u128) -> Self {
        Thousandths(thousandths)
    }
}

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        match part {
            0 => write!(f, "{whole}"),
            part => f.write_str(format!("{whole}.{part:03}").trim_end_matches('0')),
        }
    }
}

impl Serialize for Thousandths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1000 {
            0 => serializer.serialize_u128(self.0 / 1000),
            // The nearest double is written with the three places that it was made of.
            _ => serializer.serialize_f64(self.0 as f64 / 1000.0),
        }
    }
}

fn as_map<S: Serializer>(dimensions: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(dimensions.iter().map(|(name, value)| (name, value)))
}

macro_rules! definitions {
    ($($constant:ident = $name:literal, $unit:ident, $aggregation:ident, $help:literal;)*) => {
        impl Definition {
            $(
                #[doc = $help]
                pub const $constant: &'static Definition = &Definition {
                    name: $name,
                    unit: Unit::$unit,
                    aggregation: Aggregation::$aggregation,
                    help: $help,
                };
            )*

            /// Every metric, in the order of the Prometheus text.
            pub const ALL: &[&'static Definition] = &[$(Definition::$constant,)*];
        }
    };
}

definitions! {
    ARP_AVAILABILITY = "ArpAvailability", Percent, Average,
        "Whether Microsoft's end of a connection resolves the customer's address.";
    BGP_AVAILABILITY = "BgpAvailability", Percent, Average,
        "Whether the BGP session of a connection is up.";
    BITS_IN = "BitsInPerSecond", BitsPerSecond, Average,
        "Bits that enter Azure by a peering, without those that its rate limit drops.";
    BITS_OUT = "BitsOutPerSecond", BitsPerSecond, Average,
        "Bits that leave Azure by a peering.";
    INGRESS_UTILIZATION = "IngressBandwidthUtilization", Percent, Maximum,
        "Bits that enter Azure by a peering, as a share of the circuit's bandwidth.";
    EGRESS_UTILIZATION = "EgressBandwidthUtilization", Percent, Maximum,
        "Bits that leave Azure by a peering, as a share of the circuit's bandwidth.";
    QOS_DROP_IN = "QosDropBitsInPerSecond", BitsPerSecond, Average,
        "Bits on their way into Azure that the circuit's rate limit drops.";
    QOS_DROP_OUT = "QosDropBitsOutPerSecond", BitsPerSecond, Average,
        "Bits on their way out of Azure that the circuit's rate limit drops.";
    GLOBAL_REACH_IN = "GlobalReachBitsInPerSecond", BitsPerSecond, Average,
        "Bits that enter Azure by the circuit and go on to the one that Global Reach joins it with.";
    GLOBAL_REACH_OUT = "GlobalReachBitsOutPerSecond", BitsPerSecond, Average,
        "Bits that come from the circuit that Global Reach joins it with, to leave Azure by this one.";
    FASTPATH_CIRCUIT = "FastPathRoutesCountForCircuit", Count, Maximum,
        "Routes of FastPath on a circuit.";
    ADMIN_STATE = "AdminState", Count, Average,
        "Administrative state of a port: 1 enabled, 0 disabled.";
    LINE_PROTOCOL = "LineProtocol", Count, Average,
        "Line protocol of a port: 1 up, 0 down.";
    PORT_BITS_IN = "PortBitsInPerSecond", BitsPerSecond, Average,
        "Bits that enter Azure by a port, whatever becomes of them.";
    PORT_BITS_OUT = "PortBitsOutPerSecond", BitsPerSecond, Average,
        "Bits that leave Azure by a port.";
    FASTPATH_PORT = "FastPathRoutesCountForDirectPort", Count, Maximum,
        "Routes of FastPath on a port pair.";
    CONNECTION_IN = "ErGatewayConnectionBitsInPerSecond", BitsPerSecond, Average,
        "Bits that enter Azure by a connection of the gateway, those that FastPath takes among them.";
    CONNECTION_OUT = "ErGatewayConnectionBitsOutPerSecond", BitsPerSecond, Average,
        "Bits that leave Azure by a connection of the gateway.";
    GATEWAY_BITS = "ExpressRouteGatewayBitsPerSecond", BitsPerSecond, Average,
        "Bits that an instance of the gateway receives, those that its limits drop among them.";
    GATEWAY_PACKETS = "ExpressRouteGatewayPacketsPerSecond", CountPerSecond, Average,
        "Packets that an instance of the gateway receives, those that its limits drop among them.";
    GATEWAY_FLOWS = "ExpressRouteGatewayActiveFlows", Count, Maximum,
        "The most flows that an instance of the gateway holds at once.";
    ROUTES_ADVERTISED = "ExpressRouteGatewayCountOfRoutesAdvertisedToPeer", Count, Maximum,
        "Routes that the gateway advertises to a Microsoft edge router.";
    ROUTES_LEARNED = "ExpressRouteGatewayCountOfRoutesLearnedFromPeer", Count, Maximum,
        "Routes that the gateway learns from a Microsoft edge router.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_exactly() {
        for (thousandths, text) in
            [(0, "0"), (1000, "1"), (1, "0.001"), (40_120, "40.12"), (99_999_999_999_999_999, "99999999999999.999")]
        {
            assert_eq!(Thousandths::new(thousandths).to_string(), text);
        }
        for whole in [0, 1, u64::MAX] {
            let json = serde_json::to_string(&Thousandths::whole(whole)).unwrap();
            assert_eq!(json, whole.to_string());
        }
        for part in 0..1000 {
            let number = Thousandths::new(100_000_000_000 + part);
            assert_eq!(serde_json::to_string(&number).unwrap(), number.to_string());
        }
    }
}
