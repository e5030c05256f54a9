//! A range of IP addresses, and how flows are spread over it.

use super::StreamError;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses of one family, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// From `first` to `last`.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, StreamError> {
        if first.is_ipv4() != last.is_ipv4() {
            return Err(StreamError::Families { from: first, to: last });
        }
        if first > last {
            return Err(StreamError::Backwards { first, last });
        }
        Ok(AddressRange { first, last })
    }

    /// What hosts of `net` can have: without the network's own and the broadcast address, where IPv4 has them.
    pub fn hosts_of(net: IpNet) -> Self {
        match net {
            IpNet::V4(v4) if v4.prefix_len() < 31 => {
                let (network, broadcast) = (v4.network().to_bits(), v4.broadcast().to_bits());
                let host = |bits| IpAddr::V4(Ipv4Addr::from_bits(bits));
                AddressRange { first: host(network + 1), last: host(broadcast - 1) }
            }
            net => AddressRange { first: net.network(), last: net.broadcast() },
        }
    }

    /// The first address.
    pub const fn first(self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub const fn last(self) -> IpAddr {
        self.last
    }

    /// Whether the addresses are of IPv4.
    pub const fn is_ipv4(self) -> bool {
        self.first.is_ipv4()
    }

    /// How many addresses `flows` flows use: one each as long as there are enough.
    pub(super) fn used(self, flows: u32) -> u32 {
        let others = bits(self.last) - bits(self.first);
        u128::from(flows).min(others.saturating_add(1)) as u32
    }

    /// Address number `place` of `used`, which lie evenly in the range.
    pub(super) fn address(self, place: u32, used: u32) -> IpAddr {
        let first = bits(self.first);
        let step = (bits(self.last) - first - u128::from(used - 1)) / u128::from(used) + 1;
        let address = first + u128::from(place) * step;
        match self.first {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(address as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(address)),
        }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(net: &str) -> AddressRange {
        AddressRange::hosts_of(net.parse().unwrap())
    }

    #[test]
    fn hosts_leave_out_what_is_no_host() {
        for (net, first, last) in [
            ("10.1.0.0/16", "10.1.0.1", "10.1.255.254"),
            ("10.1.0.4/30", "10.1.0.5", "10.1.0.6"),
            ("10.1.0.4/31", "10.1.0.4", "10.1.0.5"),
            ("10.1.0.4/32", "10.1.0.4", "10.1.0.4"),
            ("2001:db8::/126", "2001:db8::", "2001:db8::3"),
        ] {
            let range = hosts(net);
            assert_eq!((range.first().to_string(), range.last().to_string()), (first.into(), last.into()), "{net}");
        }
    }

    #[test]
    fn flows_are_spread_over_all_of_the_range() {
        let at = |net: &str, flows, place| {
            let range = hosts(net);
            range.address(place, range.used(flows)).to_string()
        };
        assert_eq!(hosts("10.1.0.0/30").used(9), 2);
        assert_eq!(hosts("::/0").used(9), 9);
        assert_eq!([0, 1].map(|place| at("10.1.0.0/30", 9, place)), ["10.1.0.1", "10.1.0.2"]);
        assert_eq!([0, 1].map(|place| at("10.1.0.0/16", 2, place)), ["10.1.0.1", "10.1.128.0"]);
        assert_eq!([0, 3].map(|place| at("::/0", 4, place)), ["::", "c000::"]);
    }

    #[test]
    fn ends_are_of_one_family_and_in_order() {
        let [low, high, other] = ["10.0.0.1", "10.0.0.9", "::1"].map(|text| text.parse().unwrap());
        assert!(AddressRange::new(low, high).is_ok() && AddressRange::new(low, low).is_ok());
        assert_eq!(AddressRange::new(high, low), Err(StreamError::Backwards { first: high, last: low }));
        assert_eq!(AddressRange::new(low, other), Err(StreamError::Families { from: low, to: other }));
    }
}
