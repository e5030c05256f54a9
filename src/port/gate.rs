//! The inner port of a gateway: what all its ways in share, judged frame by frame in order of time; it queues nothing.
//!
//! ```text
//! uplink 1 --+                                 +-- network 1
//! uplink 2 --+-- by flow hash: one instance ---+-- network 2      each instance: flows, packets/s, bits/s
//! uplink 3 --+                                 +-- network 3
//! ```

use crate::frame::{Count, DropReason, Frame};
use crate::id::{PortId, StreamId};
use crate::table::spread;
use crate::time::{Instant, PS_PER_S, Span};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The limits of a gateway's inner port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSpec {
    /// The ports behind it: frames that leave by them are judged.
    pub outputs: Vec<PortId>,
    /// Bits per second of all instances, counting each frame's octets with FCS and tags.
    pub bits_per_s: u64,
    /// Packets per second of all instances.
    pub packets_per_s: u64,
    /// Flows of all instances.
    pub flows: u64,
    /// Instances, each with an equal share of the limits; at least one.
    pub instances: u8,
    /// How much may pass at once after a pause: what the rates bring in this time.
    pub burst: Span,
    /// A flow without a frame for this long is none any more; `None`: it is one for the whole run.
    pub flow_timeout: Option<Span>,
    /// Seed of the choice among instances.
    pub hash_seed: u32,
}

/// An inner port at work.
#[derive(Clone, Debug)]
pub struct Gate {
    spec: GateSpec,
    instances: Vec<Instance>,
    flows: Flows,
}

/// A gateway instance: its share of the limits.
#[derive(Clone, Debug)]
struct Instance {
    bits: Share,
    packets: Share,
    most_flows: u64,
    flows: u64,
    counts: InstanceCounts,
}

/// What one instance of a gateway saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceCounts {
    /// What came to it, whether it passed or not.
    pub received: Count,
    /// The most flows that it held at once.
    pub most_flows: u64,
}

impl Gate {
    /// Full buckets, no flow.
    pub fn new(spec: &GateSpec) -> Self {
        let count = u64::from(spec.instances.max(1));
        let instance = |number: u64| Instance {
            bits: Share::new(spec.bits_per_s, count, spec.burst),
            packets: Share::new(spec.packets_per_s, count, spec.burst),
            // What does not divide evenly falls to the first ones.
            most_flows: spec.flows / count + u64::from(number < spec.flows % count),
            flows: 0,
            counts: InstanceCounts::default(),
        };
        Gate { spec: spec.clone(), instances: (0..count).map(instance).collect(), flows: Flows::default() }
    }

    /// The ports behind it.
    pub fn outputs(&self) -> &[PortId] {
        &self.spec.outputs
    }

    /// What each instance saw.
    pub fn counts(&self) -> Vec<InstanceCounts> {
        self.instances.iter().map(|instance| instance.counts).collect()
    }

    /// Whether a frame that comes at `at`, to leave by one of the outputs, passes. Calls are in order of time.
    ///
    /// A flow is one from its first frame that finds room, whether that passes or not. A frame that is refused takes no
    /// tokens.
    pub fn admit(&mut self, at: Instant, frame: &Frame) -> Result<(), DropReason> {
        let Gate { spec, instances, flows } = self;
        if let Some(timeout) = spec.flow_timeout {
            flows.expire(at, timeout, |instance| instances[usize::from(instance)].flows -= 1);
        }
        let place = spread(frame.header.hash ^ spec.hash_seed, instances.len() as u32) as u8;
        let instance = &mut instances[usize::from(place)];
        instance.counts.received.add(frame.len());
        if !flows.refresh(frame.id.stream, at) {
            if instance.flows == instance.most_flows {
                return Err(DropReason::GatewayFlows);
            }
            instance.flows += 1;
            instance.counts.most_flows = instance.counts.most_flows.max(instance.flows);
            flows.enter(frame.id.stream, at, spec.flow_timeout.map(|_| place));
        }
        let bits = u64::from(frame.len()) * 8;
        if !instance.packets.holds(at, 1) {
            return Err(DropReason::GatewayPackets);
        }
        if !instance.bits.holds(at, bits) {
            return Err(DropReason::GatewayBits);
        }
        instance.packets.take(1);
        instance.bits.take(bits);
        Ok(())
    }
}

/// A token bucket that has one of several equal shares of a rate, exact to the token and the picosecond: its unit is a
/// token times the picoseconds of a second times the number of shares, so that nothing is ever divided.
#[derive(Clone, Debug)]
struct Share {
    rate_per_s: u64,
    cost: u128,
    tokens: u128,
    depth: u128,
    at: Instant,
}

impl Share {
    /// A full bucket.
    fn new(rate_per_s: u64, shares: u64, burst: Span) -> Self {
        let depth = u128::from(burst.as_ps()) * u128::from(rate_per_s);
        let cost = u128::from(PS_PER_S) * u128::from(shares);
        Share { rate_per_s, cost, tokens: depth, depth, at: Instant::ZERO }
    }

    /// Whether there are so many tokens at `at`.
    fn holds(&mut self, at: Instant, tokens: u64) -> bool {
        let gained = u128::from((at - self.at).as_ps()) * u128::from(self.rate_per_s);
        self.tokens = (self.tokens + gained).min(self.depth);
        self.at = at;
        u128::from(tokens) * self.cost <= self.tokens
    }

    /// Takes as many as were asked for.
    fn take(&mut self, tokens: u64) {
        self.tokens -= u128::from(tokens) * self.cost;
    }
}

/// The flows that pass: when each was seen last.
#[derive(Clone, Debug, Default)]
struct Flows {
    /// By source and flow: the picosecond of the last frame, plus 1; 0 where there is no such flow.
    seen: Vec<Vec<u64>>,
    /// Each flow once, by when it was seen at some time, with its instance; nothing where flows last for ever.
    ageing: BinaryHeap<Reverse<(Instant, StreamId, u8)>>,
}

impl Flows {
    /// Whether the flow is known; it is seen now.
    fn refresh(&mut self, stream: StreamId, at: Instant) -> bool {
        let seen = self.seen.get_mut(stream.source()).and_then(|source| source.get_mut(stream.flow() as usize));
        seen.filter(|seen| **seen > 0).map(|seen| *seen = at.as_ps() + 1).is_some()
    }

    /// A flow that is not known; `instance` if it may grow too old.
    fn enter(&mut self, stream: StreamId, at: Instant, instance: Option<u8>) {
        let (source, flow) = (stream.source(), stream.flow() as usize);
        if self.seen.len() <= source {
            self.seen.resize_with(source + 1, Vec::new);
        }
        if self.seen[source].len() <= flow {
            self.seen[source].resize((flow + 1).next_power_of_two(), 0);
        }
        self.seen[source][flow] = at.as_ps() + 1;
        self.ageing.extend(instance.map(|instance| Reverse((at, stream, instance))));
    }

    /// Forgets the flows that were not seen for `timeout`; `left` is told the instance of each.
    fn expire(&mut self, now: Instant, timeout: Span, mut left: impl FnMut(u8)) {
        while let Some(&Reverse((noted, stream, instance))) = self.ageing.peek() {
            if noted.saturating_add(timeout) > now {
                return;
            }
            self.ageing.pop();
            let seen = &mut self.seen[stream.source()][stream.flow() as usize];
            let last = Instant::from_ps(*seen - 1);
            if last.saturating_add(timeout) > now {
                self.ageing.push(Reverse((last, stream, instance)));
            } else {
                *seen = 0;
                left(instance);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(bits_per_s: u64, packets_per_s: u64, flows: u64) -> GateSpec {
        GateSpec {
            outputs: vec![PortId(0)],
            bits_per_s,
            packets_per_s,
            flows,
            instances: 1,
            burst: Span::from_ms(5),
            flow_timeout: None,
            hash_seed: 0,
        }
    }

    fn frame(flow: u32, octets: u16) -> Frame {
        let mut frame = Frame::default();
        frame.id.stream = StreamId::new(0, flow);
        frame.header.hash = crate::rng::mix64(u64::from(flow)) as u32;
        frame.header.meta = frame.header.meta.with_len(octets);
        frame
    }

    fn at_us(us: u64) -> Instant {
        Instant::from_ps(us * 1_000_000)
    }

    /// In `ms` milliseconds a frame each microsecond: how many pass, and why the others do not.
    fn offer(spec: &GateSpec, ms: u64, octets: u16, flows: u64) -> (u64, Vec<DropReason>) {
        let (mut gate, mut passed, mut reasons) = (Gate::new(spec), 0, std::collections::BTreeSet::new());
        for us in 0..ms * 1000 {
            match gate.admit(at_us(us), &frame((us % flows) as u32, octets)) {
                Ok(()) => passed += 1,
                Err(reason) => drop(reasons.insert(reason)),
            }
        }
        (passed, reasons.into_iter().collect())
    }

    /// The closed form: the burst at once, then the rate.
    #[test]
    fn each_limit_binds_at_its_figure() {
        let wide = 1_000_000_000_000;
        // 100,000 packets per second, 5 ms of them at once: 500 + 100 per ms, less what came while the bucket was full.
        let (passed, why) = offer(&spec(wide, 100_000, 10), 100, 64, 1);
        assert_eq!(why, [DropReason::GatewayPackets]);
        assert_eq!(passed, 500 + (99_999 * 100_000 / 1_000_000));
        // 1000 octets each microsecond are 8 Gb/s against 1 Gb/s: 625 at once, then 125 each ms.
        let (passed, why) = offer(&spec(1_000_000_000, wide, 10), 100, 1000, 1);
        assert_eq!(why, [DropReason::GatewayBits]);
        assert_eq!(passed, 625 + 99_999 * 125 / 1_000);
        // Of 30 flows 10 have room: a third of the frames.
        let (passed, why) = offer(&spec(wide, wide, 10), 3, 64, 30);
        assert_eq!((passed, why), (1000, vec![DropReason::GatewayFlows]));
    }

    #[test]
    fn below_1250_octets_packets_bind_first_and_above_it_bits() {
        let sku = spec(10_000_000_000, 1_000_000, 10);
        let twice = |octets| {
            offer(&GateSpec { bits_per_s: sku.bits_per_s / 2, packets_per_s: 500_000, ..sku.clone() }, 50, octets, 1).1
        };
        assert_eq!(twice(1249), [DropReason::GatewayPackets]);
        assert_eq!(twice(1251), [DropReason::GatewayBits]);
    }

    /// Three instances have exactly the whole among them, though no limit divides by three.
    #[test]
    fn instances_share_the_limits_without_a_remainder() {
        let three = GateSpec { instances: 3, ..spec(1_000_000_000_000, 100_000, 100) };
        let gate = Gate::new(&three);
        assert_eq!(gate.instances.iter().map(|i| i.most_flows).collect::<Vec<_>>(), [34, 33, 33]);
        // All flows together, many on each instance: the whole rate passes, and the whole burst.
        let (passed, _) = offer(&GateSpec { flows: 100_000, ..three.clone() }, 300, 64, 3000);
        assert!((30_400..=30_500).contains(&passed), "{passed}");
        // One flow has one instance: a third.
        let (passed, _) = offer(&three, 300, 64, 1);
        assert_eq!(passed, (5_000 + 299_999) * 100_000 / 3 / 1_000_000);
    }

    #[test]
    fn a_flow_without_frames_makes_room() {
        let ageing = GateSpec { flow_timeout: Some(Span::from_us(10)), ..spec(1 << 40, 1 << 40, 2) };
        let mut gate = Gate::new(&ageing);
        let mut admit = |us: u64, flow: u32| gate.admit(at_us(us), &frame(flow, 64)).is_ok();
        assert_eq!(
            [(0, 1), (1, 2), (2, 3), (9, 1), (10, 3)].map(|(us, flow)| admit(us, flow)),
            [true, true, false, true, false]
        );
        assert!(admit(11, 3), "flow 2 was seen last at 1 us");
        assert!(!admit(18, 2) && admit(19, 2), "flow 1 was seen last at 9 us");
        assert!(!admit(20, 1) && admit(29, 1) && admit(29, 2) && !admit(29, 3), "two are there again");
        let received = Count { frames: 12, octets: 12 * 64 };
        assert_eq!(gate.counts(), [InstanceCounts { received, most_flows: 2 }], "refused frames came too");
    }

    #[test]
    fn a_refused_frame_takes_no_tokens() {
        // A bucket of 1000 bits and two packets, which fills slowly.
        let mut gate = Gate::new(&GateSpec { burst: Span::from_s(1), ..spec(1000, 2, 1) });
        assert_eq!(gate.admit(Instant::ZERO, &frame(0, 126)), Err(DropReason::GatewayBits));
        assert_eq!(gate.admit(Instant::ZERO, &frame(0, 60)), Ok(()));
        assert_eq!(gate.admit(Instant::ZERO, &frame(0, 60)), Ok(()));
        assert_eq!(gate.admit(Instant::ZERO, &frame(0, 1)), Err(DropReason::GatewayPackets));
    }
}
