//! The sending side of a port: when each frame's last bit leaves, and which frames find the buffer full.

use super::policer::Policing;
use crate::time::{Instant, PortSpeed, Span, WIRE_OVERHEAD_OCTETS};

/// A port as it is configured.
#[derive(Clone, Debug)]
pub struct PortSpec {
    /// Its name within its node.
    pub name: String,
    /// Its speed.
    pub speed: PortSpeed,
    /// Octets on the wire (preamble and gap included) that may wait or be under way; `None` is unbounded: a host, which
    /// waits for its port.
    pub buffer_octets: Option<u64>,
    /// The queue of each class (0 to 7); a higher queue is served first. All zero: one queue.
    pub queue_of_class: [u8; 8],
    /// Whether the port is administratively up.
    pub admin_up: bool,
    /// Policers of what arrives.
    pub ingress_policing: Policing,
    /// Policers of what leaves.
    pub egress_policing: Policing,
    /// Whether what passes is counted by sub-interface too: it costs a look at the tags of each frame.
    pub counts_sub_interfaces: bool,
}

impl PortSpec {
    /// Octets that wait at the most, unless said: 1 MiB for each 10 Gb/s, some 0.8 ms of line rate.
    pub const fn default_buffer(speed: PortSpeed) -> u64 {
        let mib = 1 << 20;
        if speed.gbps() < 10 { mib } else { mib * speed.gbps() / 10 }
    }

    /// The classes in two queues: control traffic (6 and 7: internetwork and network control) before all other.
    pub const CONTROL_FIRST: [u8; 8] = [0, 0, 0, 0, 0, 0, 1, 1];

    /// A port that is up, with the default buffer, one queue and no policer.
    pub fn new(name: impl Into<String>, speed: PortSpeed) -> Self {
        PortSpec {
            name: name.into(),
            speed,
            buffer_octets: Some(PortSpec::default_buffer(speed)),
            queue_of_class: [0; 8],
            admin_up: true,
            ingress_policing: Policing::default(),
            egress_policing: Policing::default(),
            counts_sub_interfaces: false,
        }
    }

    /// Queues of the port.
    pub fn queues(&self) -> usize {
        usize::from(self.queue_of_class.iter().copied().max().unwrap_or(0)) + 1
    }

    /// The unfinished work of the port, all queues together, at which frames of queue `queue` are refused: the buffer, and an
    /// eighth of it more for each queue beneath. So what waits below never takes the room of what comes before it.
    pub fn limit_of(&self, queue: u8) -> Span {
        self.buffer_octets.map_or(Span::MAX, |octets| {
            let more = u64::try_from(u128::from(octets) * u128::from(queue) / 8).unwrap_or(u64::MAX);
            Span::from_ps(octets.saturating_add(more).saturating_mul(self.speed.ps_per_octet()))
        })
    }

    /// Octets, on the wire, that wait at the most: those of the highest queue's limit.
    pub fn most_octets(&self) -> Option<u64> {
        let octets = self.buffer_octets?;
        let highest = self.queues() as u64 - 1;
        Some(octets.saturating_add(u64::try_from(u128::from(octets) * u128::from(highest) / 8).unwrap_or(u64::MAX)))
    }
}

/// The buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// First in, first out, without an event per frame: a port is busy until its unfinished work is done.
#[derive(Clone, Debug)]
pub struct Egress {
    busy: Instant,
    limit: Span,
    ps_per_octet: u64,
}

impl Egress {
    /// An idle port.
    pub fn new(spec: &PortSpec) -> Self {
        Egress { busy: Instant::ZERO, limit: spec.limit_of(0), ps_per_octet: spec.speed.ps_per_octet() }
    }

    /// A frame of `octets` (FCS included) comes at `at`: when its last bit leaves. It is refused if more unfinished work
    /// than the limit lies before it.
    #[inline(always)]
    pub fn accept(&mut self, at: Instant, octets: u16) -> Result<Instant, Refused> {
        let start = self.busy.max(at);
        if Span::from_ps(start.as_ps() - at.as_ps()) > self.limit {
            return Err(Refused);
        }
        self.busy = start + Span::from_ps((u64::from(octets) + WIRE_OVERHEAD_OCTETS) * self.ps_per_octet);
        Ok(self.busy)
    }

    /// When all accepted work is done.
    pub fn busy_until(&self) -> Instant {
        self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// METHODOLOGY's line-rate table is this recurrence: frames back to back for a second.
    #[test]
    fn a_second_of_back_to_back_frames_is_line_rate() {
        for (octets, speed, expected) in [
            (64, PortSpeed::G10, 14_880_952),
            (72, PortSpeed::G10, 13_586_956),
            (64, PortSpeed::G1, 1_488_095),
            (1518, PortSpeed::G10, 812_743),
        ] {
            let mut port = Egress::new(&PortSpec { buffer_octets: None, ..PortSpec::new("p", speed) });
            let second = Instant::ZERO + Span::from_s(1);
            let frames = (1..).find(|_| port.accept(Instant::ZERO, octets).unwrap() > second).unwrap() - 1;
            assert_eq!(frames, expected, "{octets} octets at {speed:?}");
        }
    }

    #[test]
    fn a_full_buffer_refuses_to_the_octet() {
        // Room for the work of exactly two frames of 84 octets on the wire.
        let spec = PortSpec { buffer_octets: Some(168), ..PortSpec::new("p", PortSpeed::G10) };
        let mut port = Egress::new(&spec);
        let verdicts: Vec<_> = (0..5).map(|_| port.accept(Instant::ZERO, 64).is_ok()).collect();
        assert_eq!(verdicts, [true, true, true, false, false], "work of 0, 84 and 168 octets passes, 252 does not");
        assert!(port.accept(Instant::from_ps(84 * 800), 64).is_ok(), "one frame later there is room again");
    }
}
