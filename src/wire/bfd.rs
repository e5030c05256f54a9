//! The BFD control packet (RFC 5880 §4.1) and what carries it (RFC 5881, 5883, 7130); what sessions make of it is elsewhere.

use super::be32;
use crate::time::Span;
use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};
use std::ops::RangeInclusive;

/// Octets of a control packet without authentication.
pub const OCTETS: usize = 24;
/// UDP destination port over a single hop (RFC 5881 §4).
pub const SINGLE_HOP_PORT: u16 = 3784;
/// UDP destination port over several hops (RFC 5883 §5).
pub const MULTIHOP_PORT: u16 = 4784;
/// UDP destination port on the members of a link aggregation group (RFC 7130 §2.2).
pub const MICRO_PORT: u16 = 6784;
/// UDP source ports, one for all packets of a session (RFC 5881 §4).
pub const SOURCE_PORTS: RangeInclusive<u16> = 49152..=65535;
/// TTL or hop limit of what is sent, and of what is accepted over a single hop (RFC 5881 §5, RFC 5082).
pub const TTL: u8 = 255;

/// The state of a session as its end tells it (Sta).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Held down by an operator; says nothing of the path.
    AdminDown = 0,
    /// No session, or just made.
    Down = 1,
    /// The neighbour is heard and does not hear us yet.
    Init = 2,
    /// Both ends hear each other.
    Up = 3,
}

impl State {
    /// Every state, in the order of its number.
    pub const ALL: [State; 4] = [State::AdminDown, State::Down, State::Init, State::Up];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::AdminDown => "AdminDown",
            State::Down => "Down",
            State::Init => "Init",
            State::Up => "Up",
        })
    }
}

/// Why a session last changed its state (Diag).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Diagnostic {
    /// 0.
    NoDiagnostic,
    /// 1: nothing was heard for the detection time.
    ControlDetectionTimeExpired,
    /// 2.
    EchoFunctionFailed,
    /// 3: the neighbour said that it is down.
    NeighbourSignaledSessionDown,
    /// 4.
    ForwardingPlaneReset,
    /// 5: a lower layer or another protocol said so.
    PathDown,
    /// 6.
    ConcatenatedPathDown,
    /// 7: an operator's wish.
    AdministrativelyDown,
    /// 8.
    ReverseConcatenatedPathDown,
    /// 9 to 31, reserved by RFC 5880.
    Reserved(ReservedDiagnostic),
}

/// A diagnostic number that RFC 5880 reserves: 9 to 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservedDiagnostic(u8);

impl Diagnostic {
    const NAMED: [Diagnostic; 9] = [
        Diagnostic::NoDiagnostic,
        Diagnostic::ControlDetectionTimeExpired,
        Diagnostic::EchoFunctionFailed,
        Diagnostic::NeighbourSignaledSessionDown,
        Diagnostic::ForwardingPlaneReset,
        Diagnostic::PathDown,
        Diagnostic::ConcatenatedPathDown,
        Diagnostic::AdministrativelyDown,
        Diagnostic::ReverseConcatenatedPathDown,
    ];

    /// The diagnostic in the lower five bits of `octet`; the upper three are the version.
    fn from_low_bits(octet: u8) -> Self {
        let number = octet & 0x1f;
        Self::NAMED.get(usize::from(number)).copied().unwrap_or(Diagnostic::Reserved(ReservedDiagnostic(number)))
    }

    /// Its number, 0 to 31.
    pub const fn number(self) -> u8 {
        match self {
            Diagnostic::NoDiagnostic => 0,
            Diagnostic::ControlDetectionTimeExpired => 1,
            Diagnostic::EchoFunctionFailed => 2,
            Diagnostic::NeighbourSignaledSessionDown => 3,
            Diagnostic::ForwardingPlaneReset => 4,
            Diagnostic::PathDown => 5,
            Diagnostic::ConcatenatedPathDown => 6,
            Diagnostic::AdministrativelyDown => 7,
            Diagnostic::ReverseConcatenatedPathDown => 8,
            Diagnostic::Reserved(ReservedDiagnostic(number)) => number,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Diagnostic::NoDiagnostic => "No Diagnostic",
            Diagnostic::ControlDetectionTimeExpired => "Control Detection Time Expired",
            Diagnostic::EchoFunctionFailed => "Echo Function Failed",
            Diagnostic::NeighbourSignaledSessionDown => "Neighbor Signaled Session Down",
            Diagnostic::ForwardingPlaneReset => "Forwarding Plane Reset",
            Diagnostic::PathDown => "Path Down",
            Diagnostic::ConcatenatedPathDown => "Concatenated Path Down",
            Diagnostic::AdministrativelyDown => "Administratively Down",
            Diagnostic::ReverseConcatenatedPathDown => "Reverse Concatenated Path Down",
            Diagnostic::Reserved(ReservedDiagnostic(number)) => return write!(f, "Reserved ({number})"),
        })
    }
}

/// How many intervals may pass in silence before the other end takes the session down: 1 to 255 (Detect Mult).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DetectMult(pub NonZeroU8);

/// An interval that an end asks for: 1 to 2^32 - 1 microseconds. Zero has meanings of its own, so it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(NonZeroU32);

/// A span that no BFD packet can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no BFD interval: take whole microseconds, from 1 us to 4294.967295 s")]
pub struct IntervalError(Span);

impl Interval {
    /// Microseconds.
    pub const fn as_us(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<Span> for Interval {
    type Error = IntervalError;

    fn try_from(span: Span) -> Result<Self, IntervalError> {
        let ps_per_us = Span::from_us(1).as_ps();
        let whole = span.as_ps().is_multiple_of(ps_per_us);
        let us = u32::try_from(span.as_ps() / ps_per_us).ok().filter(|_| whole);
        us.and_then(NonZeroU32::new).map(Interval).ok_or(IntervalError(span))
    }
}

/// A control packet without authentication.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
/// |                       My Discriminator                        |
/// |                      Your Discriminator                       |
/// |                    Desired Min TX Interval                    |
/// |                   Required Min RX Interval                    |
/// |                 Required Min Echo RX Interval                 |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Why the sender's state last changed.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// P: asks for a packet with `final_bit`.
    pub poll: bool,
    /// F: answers one with `poll`.
    pub final_bit: bool,
    /// C: the sender's BFD outlives its control plane.
    pub control_plane_independent: bool,
    /// D: the sender does not want to hear periodic packets while both ends are up.
    pub demand: bool,
    /// The sender's Detect Mult.
    pub multiplier: DetectMult,
    /// The sender's name for the session.
    pub my_discriminator: NonZeroU32,
    /// What the sender last heard as `my_discriminator`; `None` (0) as long as it has heard none, and then it is down.
    pub your_discriminator: Option<NonZeroU32>,
    /// Microseconds between the packets that the sender would like to send, without jitter.
    pub desired_min_tx_us: u32,
    /// Microseconds between the packets that the sender can take; 0: it wants none.
    pub required_min_rx_us: u32,
    /// Microseconds between the echo packets that the sender can take; 0: it takes none.
    pub required_min_echo_rx_us: u32,
}

/// Why octets are not taken as a control packet (RFC 5880 §6.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// The version is not 1.
    #[error("BFD version {0}, not 1")]
    Version(u8),
    /// The length is below 24.
    #[error("BFD length {0} is below 24")]
    TooShort(u8),
    /// The length is more than the UDP payload has, or not even a length is there.
    #[error("the BFD packet is longer than its UDP payload of {0} octets")]
    Truncated(usize),
    /// Detect Mult is 0.
    #[error("BFD Detect Mult is 0")]
    MultiplierZero,
    /// M is set.
    #[error("the BFD packet has the multipoint bit")]
    Multipoint,
    /// My Discriminator is 0.
    #[error("BFD My Discriminator is 0")]
    MyDiscriminatorZero,
    /// Your Discriminator is 0 in Init or Up.
    #[error("BFD Your Discriminator is 0 in state {0}")]
    YourDiscriminatorZero(State),
    /// A is set: no session here has authentication.
    #[error("the BFD packet has authentication, which is not in use")]
    Authentication,
}

impl Packet {
    /// Takes the payload of a UDP datagram apart. Octets after the packet's own length are left alone.
    pub fn read(payload: &[u8]) -> Result<Packet, Discard> {
        let truncated = Discard::Truncated(payload.len());
        let &[first, flags, multiplier, length] = payload.first_chunk().ok_or(truncated)?;
        if first >> 5 != VERSION {
            return Err(Discard::Version(first >> 5));
        }
        if usize::from(length) < OCTETS {
            return Err(Discard::TooShort(length));
        }
        if usize::from(length) > payload.len() {
            return Err(truncated);
        }
        let word = |at| be32(payload, at).ok_or(truncated);
        let multiplier = NonZeroU8::new(multiplier).ok_or(Discard::MultiplierZero)?;
        if flags & MULTIPOINT != 0 {
            return Err(Discard::Multipoint);
        }
        let my_discriminator = NonZeroU32::new(word(4)?).ok_or(Discard::MyDiscriminatorZero)?;
        let your_discriminator = NonZeroU32::new(word(8)?);
        let state = State::ALL[usize::from(flags >> 6)];
        if your_discriminator.is_none() && matches!(state, State::Init | State::Up) {
            return Err(Discard::YourDiscriminatorZero(state));
        }
        if flags & AUTHENTICATION != 0 {
            return Err(Discard::Authentication);
        }
        Ok(Packet {
            diagnostic: Diagnostic::from_low_bits(first),
            state,
            poll: flags & POLL != 0,
            final_bit: flags & FINAL != 0,
            control_plane_independent: flags & CONTROL_PLANE_INDEPENDENT != 0,
            demand: flags & DEMAND != 0,
            multiplier: DetectMult(multiplier),
            my_discriminator,
            your_discriminator,
            desired_min_tx_us: word(12)?,
            required_min_rx_us: word(16)?,
            required_min_echo_rx_us: word(20)?,
        })
    }

    /// Its octets.
    pub fn emit(&self) -> [u8; OCTETS] {
        let bit = |set: bool, mask: u8| if set { mask } else { 0 };
        let flags = (self.state as u8) << 6
            | bit(self.poll, POLL)
            | bit(self.final_bit, FINAL)
            | bit(self.control_plane_independent, CONTROL_PLANE_INDEPENDENT)
            | bit(self.demand, DEMAND);
        let first = VERSION << 5 | self.diagnostic.number();
        let mut out = [0; OCTETS];
        out[..4].copy_from_slice(&[first, flags, self.multiplier.0.get(), OCTETS as u8]);
        let words = [
            self.my_discriminator.get(),
            self.your_discriminator.map_or(0, NonZeroU32::get),
            self.desired_min_tx_us,
            self.required_min_rx_us,
            self.required_min_echo_rx_us,
        ];
        for (place, word) in out[4..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        out
    }
}

const VERSION: u8 = 1;
const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const CONTROL_PLANE_INDEPENDENT: u8 = 0x08;
const AUTHENTICATION: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Up, P and C set, written by hand from the drawing.
    const LITERAL: [u8; OCTETS] =
        [0x23, 0xe8, 3, 24, 0, 0, 0, 7, 0x80, 0, 0, 9, 0, 4, 0x93, 0xe0, 0, 0x0b, 0x71, 0xb0, 0, 0, 0, 0];

    #[test]
    fn fields_are_where_the_drawing_has_them() {
        let packet = Packet::read(&LITERAL).unwrap();
        let expected = Packet {
            diagnostic: Diagnostic::NeighbourSignaledSessionDown,
            state: State::Up,
            poll: true,
            final_bit: false,
            control_plane_independent: true,
            demand: false,
            multiplier: DetectMult(NonZeroU8::new(3).unwrap()),
            my_discriminator: NonZeroU32::new(7).unwrap(),
            your_discriminator: NonZeroU32::new(0x8000_0009),
            desired_min_tx_us: 300_000,
            required_min_rx_us: 750_000,
            required_min_echo_rx_us: 0,
        };
        assert_eq!(packet, expected);
        assert_eq!(packet.emit(), LITERAL);
    }

    #[test]
    fn each_rule_discards_by_its_name() {
        let with = |changes: &[(usize, u8)]| {
            let mut octets = LITERAL;
            changes.iter().for_each(|&(at, octet)| octets[at] = octet);
            Packet::read(&octets)
        };
        for (changes, why) in [
            (&[(0, 0x03)][..], Discard::Version(0)),
            (&[(0, 0xe3)], Discard::Version(7)),
            (&[(3, 23)], Discard::TooShort(23)),
            (&[(3, 25)], Discard::Truncated(24)),
            (&[(2, 0)], Discard::MultiplierZero),
            (&[(1, 0xe9)], Discard::Multipoint),
            (&[(7, 0)], Discard::MyDiscriminatorZero),
            (&[(8, 0), (11, 0)], Discard::YourDiscriminatorZero(State::Up)),
            (&[(8, 0), (11, 0), (1, 0x80)], Discard::YourDiscriminatorZero(State::Init)),
            (&[(1, 0xec)], Discard::Authentication),
        ] {
            assert_eq!(with(changes), Err(why), "{changes:x?}");
        }
        assert!(with(&[(8, 0), (11, 0), (1, 0x40)]).is_ok_and(|packet| packet.your_discriminator.is_none()));
        assert!(with(&[(8, 0), (11, 0), (1, 0x00)]).is_ok_and(|packet| packet.state == State::AdminDown));
        assert_eq!(Packet::read(&LITERAL[..3]), Err(Discard::Truncated(3)));
        assert_eq!(Packet::read(&LITERAL[..23]), Err(Discard::Truncated(23)));
    }

    #[test]
    fn an_interval_is_whole_microseconds_within_32_bits() {
        assert_eq!(Interval::try_from(Span::from_ms(300)).map(Interval::as_us), Ok(300_000));
        assert_eq!(Interval::try_from(Span::from_us(u32::MAX.into())).map(Interval::as_us), Ok(u32::MAX));
        for bad in [Span::ZERO, Span::from_ns(1_500), Span::from_us(1 << 32)] {
            assert_eq!(Interval::try_from(bad), Err(IntervalError(bad)));
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused_and_come_back(mut octets in proptest::collection::vec(any::<u8>(), 0..40), near: bool) {
            if near && octets.len() >= OCTETS {
                octets[0] = 0x20 | octets[0] & 0x1f;
                octets[1] &= !(AUTHENTICATION | MULTIPOINT);
                octets[3] = OCTETS as u8;
            }
            if let Ok(packet) = Packet::read(&octets) {
                prop_assert_eq!(Packet::read(&packet.emit()), Ok(packet));
                octets[3] = OCTETS as u8;
                prop_assert_eq!(&packet.emit()[..], &octets[..OCTETS]);
            }
        }
    }
}
