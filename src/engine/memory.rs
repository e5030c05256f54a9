//! How much memory a run may take at the most, from its network alone; what it does take depends on threads, and is less.
//!
//! The clocks bound what is under way. A node starts nothing later than its peer has taken, the link's delay and
//! [`DEFAULT_WINDOW`] together; it arrives a delay and the wait in the port's buffer later. So the frames on a link, or waiting
//! before it, arrive within
//!
//! ```text
//! span = 2 * delay + window + buffer / line rate
//! ```
//!
//! and take `span * rate` octets of wire, at line rate or at what all sources offer together, where that is less (frames in
//! a routing loop come on top). The memory for these is reckoned twice, as frames of 64 octets
//! and as IMIX whose bodies have all been used for the longest frame before, and the more of both is taken. A slot of a
//! segment is counted six times, for what one step hands over seldom fills its segment: behind an overloaded port that a
//! capture is read into, 43 of 256 slots were used. No network carries that everywhere
//! at once: a link is empty as long as its receiver keeps pace, and holds most of its span where the receiver waits for
//! another source that lags behind.

use super::driver::DEFAULT_WINDOW;
use super::link::{RING, SEGMENT, Segment};
use super::network::{LinkSpec, Network, Role};
use super::source::{BATCHES, BODIES, Feed};
use crate::frame::{Frame, Octets};
use crate::time::{MIN_FRAME_OCTETS, Span, WIRE_OVERHEAD_OCTETS};

/// What frames have beneath their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beneath {
    /// The shared bodies of generated streams.
    Shared,
    /// Octets of their own.
    Owned,
}

/// The most that the sources offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Frames.
    pub frames: u64,
    /// Octets of all of them.
    pub octets: u64,
}

/// What is known of a run beside its network.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What the frames have.
    pub beneath: Beneath,
    /// The most that is offered; `None` if there is no telling.
    pub offered: Option<Offered>,
    /// Sources.
    pub sources: usize,
    /// Bits per second that they can offer together.
    pub rate_bps: u64,
    /// Flows of each source at the most.
    pub flows: u64,
    /// Whether the run is cut short at some instant: then frames wait in the ports of routers until they start.
    pub cut_short: bool,
}

/// A part of a network and what it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The sending and the receiving port.
    pub link: String,
    /// The delay of the link.
    pub delay: Span,
    /// The most that the frames on it, and those that wait before it, take, in octets.
    pub octets: u64,
}

/// The memory of a run, at the most.
#[derive(Clone, Debug)]
pub struct Memory {
    /// The links, those that take most first.
    pub links: Vec<Part>,
    /// What does not grow with what is under way, in octets: rings, spare bodies, the sets of flows seen.
    pub fixed: u64,
    /// The most that all frames take which are offered.
    offered: u64,
}

impl Memory {
    /// The memory of a run of `network` with `load`.
    pub fn of(network: &Network, load: &Load) -> Memory {
        let offered = load.offered.map_or(u64::MAX, |offered| load.beneath.of(offered));
        let part = |link: &LinkSpec| Part {
            link: format!("{} to {}", network.port_name(link.from), network.port_name(link.to)),
            delay: link.delay,
            octets: on_link(network, link, load).min(offered),
        };
        let mut links: Vec<Part> = network.links.iter().map(part).collect();
        links.sort_by_key(|part| std::cmp::Reverse(part.octets));
        Memory { links, fixed: fixed(network, load), offered }
    }

    /// All of it, in octets. A frame is in one place at a time, and what a router makes of one replaces it.
    pub fn octets(&self) -> u64 {
        let links = self.links.iter().fold(0u64, |sum, part| sum.saturating_add(part.octets));
        links.min(self.offered).saturating_add(self.fixed)
    }
}

impl Beneath {
    /// What a frame takes beneath its fields if its body has room for `payload` octets.
    const fn body(self, payload: u64) -> u64 {
        match self {
            Beneath::Shared => 0,
            Beneath::Owned => size_of::<Octets>() as u64 + payload + 2 * ALLOCATION,
        }
    }

    /// What as many frames take as fill `wire` octets of wire.
    const fn on_wire(self, wire: u64) -> u64 {
        let smallest = (SLOT + self.body(MIN_FRAME_OCTETS as u64)) * (wire / SMALLEST_ON_WIRE + 1);
        let imix = (SLOT + self.body(LONGEST)) * (wire / IMIX_ON_WIRE + 1);
        if smallest > imix { smallest } else { imix }
    }

    /// What all frames take that are offered. Fragments have bodies of their own: each frame counts twice.
    const fn of(self, offered: Offered) -> u64 {
        let each = (SLOT + self.body(LONGEST)).saturating_mul(2);
        let octets = match self {
            Beneath::Shared => 0,
            Beneath::Owned => offered.octets.saturating_mul(2),
        };
        offered.frames.saturating_mul(each).saturating_add(octets)
    }
}

/// What the frames of one link take, those that wait before it included.
fn on_link(network: &Network, link: &LinkSpec, load: &Load) -> u64 {
    let port = network.port(link.from);
    let per_octet = port.speed.ps_per_octet();
    // A host waits for its port, so that nothing waits in it.
    let buffer = port.most_octets().unwrap_or(0);
    let span = link.delay.as_ps().saturating_mul(2).saturating_add(DEFAULT_WINDOW.as_ps());
    let wire = (span / per_octet).saturating_add(buffer);
    let offered = u128::from(wire) * u128::from(load.rate_bps) / u128::from(port.speed.bps());
    let wire = wire.min(u64::try_from(offered).unwrap_or(u64::MAX));
    let held = load.beneath.on_wire(wire);
    // A queue doubles when it grows.
    let queues = if port.queues() > 1 || load.cut_short { 2 * FRAME * (buffer / SMALLEST_ON_WIRE) } else { 0 };
    held.saturating_add(queues)
}

/// What does not depend on the links' delays and speeds.
fn fixed(network: &Network, load: &Load) -> u64 {
    let segment = SEGMENT as u64 * FRAME;
    let rings = 2 * (RING * size_of::<Segment>()) as u64 + 2 * segment;
    let ports = network.nodes.iter().map(|node| node.ports.len() as u64).sum::<u64>();
    let (sources, flows) = (load.sources as u64, load.offered.map_or(load.flows, |all| all.frames.min(load.flows)));
    // A bit for each flow that is seen at a port, coming and going; the set doubles when it grows.
    let seen = ports * 2 * sources * (flows / 8).next_power_of_two() * 2;
    let feeds = match load.beneath {
        Beneath::Shared => 0,
        Beneath::Owned => {
            let batches = (Feed::BATCHES + 2) as u64 * sources + (BATCHES + network.nodes.len() + 2) as u64;
            let frames = batches * BODIES.max(Feed::BATCH) as u64;
            frames * (SLOT + load.beneath.body(LONGEST)) + sources * (FLOW * flows + READER)
        }
    };
    let bindings: u64 = network
        .nodes
        .iter()
        .map(|node| match &node.role {
            Role::Router(router) => router.nat.octets(sources.saturating_mul(flows)),
            Role::Host => 0,
        })
        .sum();
    rings * network.links.len() as u64 + seen + feeds + bindings
}

/// What a frame takes of a segment that is not full.
const SLOT: u64 = 6 * FRAME;

/// A frame itself.
const FRAME: u64 = size_of::<Frame>() as u64;

/// What an allocator adds to a piece of memory, roundings included.
const ALLOCATION: u64 = 16;

/// The longest frame whose body is thought to be used again for a shorter one.
const LONGEST: u64 = 1518;

/// The smallest frame and the mean of IMIX (7 of 64, 4 of 594, 1 of 1518 octets) on the wire.
const SMALLEST_ON_WIRE: u64 = MIN_FRAME_OCTETS as u64 + WIRE_OVERHEAD_OCTETS;
const IMIX_ON_WIRE: u64 = (7 * 64 + 4 * 594 + 1518) / 12 + WIRE_OVERHEAD_OCTETS;

/// What a reader keeps of each flow, its table half full after it has grown from half the size.
const FLOW: u64 = 64;

/// What a reader keeps beside: its buffers.
const READER: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Role;
    use crate::id::PortId;
    use crate::port::PortSpec;
    use crate::time::PortSpeed;

    fn network(delay: Span, speed: PortSpeed) -> Network {
        let mut network = Network::default();
        let port = || PortSpec { buffer_octets: None, ..PortSpec::new("p", speed) };
        let ends = ["a", "b"].map(|name| (network.add(name, Role::Host, vec![port()]), PortId(0)));
        network.join(ends[0], ends[1], delay);
        network
    }

    const LOAD: Load = Load {
        beneath: Beneath::Shared,
        offered: None,
        sources: 1,
        rate_bps: 400_000_000_000,
        flows: 1,
        cut_short: false,
    };

    #[test]
    fn a_link_holds_two_delays_and_the_window_at_line_rate() {
        // 101 ms of 148.8 million frames a second, each with its share of a segment.
        let memory = Memory::of(&network(Span::from_ms(50), PortSpeed::G100), &LOAD);
        let frames = 101_000_000_000 / 6720 + 1;
        assert_eq!(memory.links[0].octets, frames * 384);
        assert_eq!(memory.octets(), 2 * memory.links[0].octets + memory.fixed);
        assert!(memory.fixed < 1 << 20, "{}", memory.fixed);
    }

    #[test]
    fn it_grows_with_delay_and_speed_and_what_frames_own() {
        let of = |delay_ms, speed, load| Memory::of(&network(Span::from_ms(delay_ms), speed), load).octets();
        let base = of(10, PortSpeed::G10, &LOAD);
        assert!(of(20, PortSpeed::G10, &LOAD) > base * 3 / 2);
        assert!(of(10, PortSpeed::G100, &LOAD) > base * 9);
        assert!(of(10, PortSpeed::G10, &Load { beneath: Beneath::Owned, ..LOAD }) > base * 5 / 4);
    }

    #[test]
    fn a_link_holds_no_more_than_comes_to_it() {
        let network = network(Span::from_ms(10), PortSpeed::G100);
        let slow = Memory::of(&network, &Load { rate_bps: 10_000_000_000, ..LOAD });
        let fast = Memory::of(&network, &LOAD);
        let (slow, fast) = (slow.links[0].octets, fast.links[0].octets);
        assert!((fast / 10..fast / 10 + 768).contains(&slow), "{slow} of {fast}");
    }

    #[test]
    fn no_more_is_held_than_is_offered() {
        let offered = Some(Offered { frames: 1000, octets: 60_000 });
        let long = network(Span::from_ms(500), PortSpeed::G400);
        let memory = Memory::of(&long, &Load { offered, beneath: Beneath::Owned, ..LOAD });
        assert!(memory.octets() - memory.fixed < 5_000_000, "{memory:?}");
        let without_end = Load { offered: Some(Offered { frames: u64::MAX, octets: u64::MAX }), ..LOAD };
        assert_eq!(Memory::of(&long, &without_end).octets(), Memory::of(&long, &LOAD).octets());
    }
}
