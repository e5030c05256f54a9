//! Ten seconds of a branch office behind its edge router, both directions; which of them a file has is for the file.

use biplane::capture::Direction;
use biplane::rng::Rng;

use super::Frame;
use super::frames::{ACK, ARP, BROADCAST, FIN, IPV4, Ip, PSH, SYN, UDP, arp, ethernet, mac, padded};

/// The frames of the office, in the order of their times.
pub(crate) struct Office {
    frames: Vec<Frame>,
    rng: Rng,
    next_port: u16,
}

/// What a session says: octets asked and octets answered, in turns.
struct Session {
    at_ns: u64,
    host: u8,
    ip: Ip,
    port: u16,
    turns: Vec<(usize, usize)>,
}

impl Office {
    /// Everything that happens.
    pub(crate) fn whole() -> Vec<Frame> {
        let mut office = Office { frames: Vec::new(), rng: Rng::new(7, 1), next_port: 49_152 };
        office.neighbours();
        office.names();
        office.sessions();
        office.voice();
        office.pings();
        office.odds();
        office.in_order()
    }

    /// A few sessions and what they need.
    pub(crate) fn few() -> Vec<Frame> {
        let mut office = Office { frames: Vec::new(), rng: Rng::new(7, 2), next_port: 50_000 };
        let servers = [("10.20.1.10", 80), ("10.20.1.11", 443), ("198.51.100.20", 443)];
        for (i, (to, port)) in servers.into_iter().enumerate() {
            let host = 10 + i as u8;
            office.query(i as u64 * 30_000_000, host, "app");
            let ip = Ip::new(&format!("10.10.1.{host}"), to);
            let at_ns = i as u64 * 30_000_000 + 20_000_000;
            office.session(Session { at_ns, host, ip, port, turns: vec![(400, 9_000), (180, 2_500)] });
        }
        let ip = Ip::new("fd10:10:0:1::10", "fd10:20:0:1::10");
        office.session(Session { at_ns: 120_000_000, host: 10, ip, port: 443, turns: vec![(300, 4_000)] });
        office.in_order()
    }

    fn in_order(mut self) -> Vec<Frame> {
        self.frames.sort_by_key(|frame| frame.at_ns);
        self.frames
    }

    /// A frame that a host sends, or that the edge router brings it.
    fn put(&mut self, at_ns: u64, host: u8, direction: Direction, ethertype: u16, payload: &[u8]) {
        let (host, edge) = (mac(0x10, host), mac(0, 1));
        let (to, from) = if direction == Direction::Outbound { (edge, host) } else { (host, edge) };
        self.frames.push(Frame { at_ns, direction, octets: padded(ethernet(to, from, ethertype, payload)) });
    }

    fn jitter(&mut self, bound_ns: u64) -> u64 {
        self.rng.below(bound_ns)
    }

    /// ARP for the router, and neighbour discovery.
    fn neighbours(&mut self) {
        for host in 10..34 {
            let at_ns = self.jitter(900_000_000);
            let (own, address) = (mac(0x10, host), [10, 10, 1, host]);
            let ask = arp(1, (own, address), ([0; 6], [10, 10, 1, 1]));
            let octets = padded(ethernet(BROADCAST, own, ARP, &ask));
            self.frames.push(Frame { at_ns, direction: Direction::Outbound, octets });
            let answer = arp(2, (mac(0, 1), [10, 10, 1, 1]), (own, address));
            self.put(at_ns + 60_000, host, Direction::Inbound, ARP, &answer);
        }
        for host in 10..18u8 {
            let at_ns = self.jitter(900_000_000);
            let own = mac(0x10, host);
            let mut ip = Ip::new(&format!("fd10:10:0:1::{host}"), "ff02::1:ff00:1");
            ip.ttl = 255;
            // Who has fd10:10:0:1::1 (RFC 4861 §4.3), with the source's link-layer address.
            let target = [0xfd, 0x10, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
            let rest = [&[0; 4][..], &target, &[1, 1], &own].concat();
            let octets = ethernet([0x33, 0x33, 0xff, 0, 0, 1], own, ip.ethertype(), &ip.icmp(135, &rest));
            self.frames.push(Frame { at_ns, direction: Direction::Outbound, octets });
            let mut back = Ip::new("fd10:10:0:1::1", &format!("fd10:10:0:1::{host}"));
            back.ttl = 255;
            let rest = [&[0xe0, 0, 0, 0][..], &target, &[2, 1], &mac(0, 1)].concat();
            self.put(at_ns + 80_000, host, Direction::Inbound, back.ethertype(), &back.icmp(136, &rest));
        }
    }

    fn names(&mut self) {
        for i in 0..120u64 {
            let at_ns = 200_000_000 + i * 80_000_000 + self.jitter(60_000_000);
            let name = ["app", "files", "mail", "intranet", "build", "sso"][self.rng.below(6) as usize];
            let host = 10 + self.rng.below(24) as u8;
            self.query(at_ns, host, name);
        }
    }

    /// One question to the cloud's name server, and its answer (RFC 1035 §4).
    fn query(&mut self, at_ns: u64, host: u8, name: &str) {
        let ip = Ip::new(&format!("10.10.1.{host}"), "10.20.0.53");
        let id = self.rng.next_u64() as u16;
        let port = self.port();
        let question = [&[name.len() as u8], name.as_bytes(), b"\x04corp\x07example\0\0\x01\0\x01"].concat();
        let header = |flags: u16, answers: u16| [id, flags, 1, answers, 0, 0].map(u16::to_be_bytes).concat();
        let ask = [header(0x0100, 0), question.clone()].concat();
        let answer = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 20, 1, 10];
        let answer = [header(0x8180, 1), question, answer.to_vec()].concat();
        let ip = Ip { id, ..ip };
        self.put(at_ns, host, Direction::Outbound, IPV4, &ip.udp((port, 53), &ask));
        let back = Ip { from: ip.to, to: ip.from, ttl: 60, id: id.wrapping_add(1), ..ip };
        self.put(at_ns + 3_100_000, host, Direction::Inbound, IPV4, &back.udp((53, port), &answer));
    }

    fn port(&mut self) -> u16 {
        self.next_port += 1;
        self.next_port
    }

    fn sessions(&mut self) {
        for i in 0..92u64 {
            let at_ns = 300_000_000 + i * 100_000_000 + self.jitter(90_000_000);
            let host = 10 + self.rng.below(24) as u8;
            let (to, port) = match i % 6 {
                0 | 3 => ("10.20.1.10", 80),
                1 | 4 => ("10.20.1.11", 443),
                2 => ("10.20.2.20", 445),
                _ => (["198.51.100.20", "203.0.113.80"][i as usize / 6 % 2], 443),
            };
            let mut turns = Vec::new();
            for _ in 0..1 + self.rng.below(4) {
                // Mostly questions and long answers; now and then an upload.
                let asked = if self.rng.below(8) == 0 { 6_000 } else { 120 + self.rng.below(500) as usize };
                turns.push((asked, 200 + self.rng.below(12_000) as usize));
            }
            let ip = Ip::new(&format!("10.10.1.{host}"), to);
            self.session(Session { at_ns, host, ip, port, turns });
        }
        for i in 0..8u64 {
            let host = 10 + i as u8;
            let at_ns = 1_000_000_000 + i * 1_000_000_000 + self.jitter(500_000_000);
            let ip = Ip::new(&format!("fd10:10:0:1::{host}"), "fd10:20:0:1::10");
            self.session(Session { at_ns, host, ip, port: 443, turns: vec![(350, 5_000), (900, 2_000)] });
        }
    }

    /// A TCP session from the handshake to the close (RFC 9293 §3.5, §3.6), without loss.
    fn session(&mut self, session: Session) {
        const ROUND_TRIP_NS: u64 = 4_000_000;
        let Session { mut at_ns, host, ip, port, turns } = session;
        let ports = (self.port(), port);
        let back_ports = (ports.1, ports.0);
        let mut here = Ip { id: self.rng.next_u64() as u16, ..ip };
        let mut there = Ip { from: ip.to, to: ip.from, ttl: 60, id: self.rng.next_u64() as u16, ..ip };
        let (mut seq, mut ack) = (self.rng.next_u64() as u32, self.rng.next_u64() as u32);
        let room = if ip.from.is_ipv4() { 1460 } else { 1440 };
        let mut say = |office: &mut Office, at_ns, out: bool, numbers: (u32, u32), flags, payload: &[u8]| {
            let (ip, ports, direction) = if out {
                (&mut here, ports, Direction::Outbound)
            } else {
                (&mut there, back_ports, Direction::Inbound)
            };
            ip.id = ip.id.wrapping_add(1);
            office.put(at_ns, host, direction, ip.ethertype(), &ip.tcp(ports, numbers, flags, payload));
        };
        say(self, at_ns, true, (seq, ack), SYN, &[]);
        at_ns += ROUND_TRIP_NS;
        say(self, at_ns - 20_000, false, (ack, seq.wrapping_add(1)), SYN | ACK, &[]);
        (seq, ack) = (seq.wrapping_add(1), ack.wrapping_add(1));
        say(self, at_ns, true, (seq, ack), ACK, &[]);
        for (asked, answered) in turns {
            let (ask, answer) = (self.text(port, asked, true), self.text(port, answered, false));
            for part in ask.chunks(room) {
                say(self, at_ns, true, (seq, ack), ACK | PSH, part);
                seq = seq.wrapping_add(part.len() as u32);
                at_ns += 13_000;
            }
            at_ns += ROUND_TRIP_NS;
            let last = answer.len().div_ceil(room) - 1;
            for (i, part) in answer.chunks(room).enumerate() {
                say(self, at_ns, false, (ack, seq), ACK, part);
                ack = ack.wrapping_add(part.len() as u32);
                at_ns += 13_000;
                if i % 2 == 1 || i == last {
                    say(self, at_ns - 1_000, true, (seq, ack), ACK, &[]);
                }
            }
            at_ns += 5_000_000;
        }
        say(self, at_ns, true, (seq, ack), FIN | ACK, &[]);
        at_ns += ROUND_TRIP_NS;
        say(self, at_ns - 20_000, false, (ack, seq.wrapping_add(1)), FIN | ACK, &[]);
        say(self, at_ns, true, (seq.wrapping_add(1), ack.wrapping_add(1)), ACK, &[]);
    }

    /// What is said: a TLS record of noise, a line of HTTP and filling, or filling.
    fn text(&mut self, port: u16, octets: usize, ask: bool) -> Vec<u8> {
        if port == 443 {
            let length = (octets - 5) as u16;
            let mut text = vec![0x17, 3, 3, (length >> 8) as u8, length as u8];
            text.extend((5..octets).map(|_| self.rng.next_u64() as u8));
            return text;
        }
        let line: &[u8] = match (port, ask) {
            (80, true) => b"GET / HTTP/1.1\r\nHost: app.corp.example\r\n\r\n",
            (80, false) => b"HTTP/1.1 200 OK\r\n\r\n",
            _ => b"",
        };
        line.iter().copied().chain((b'a'..=b'z').cycle()).take(octets).collect()
    }

    /// Two calls of 20 ms packets, DSCP EF (RFC 3246), one RTP stream each way (RFC 3550 §5.1).
    fn voice(&mut self) {
        for call in 0..2u8 {
            let (source, start_ns) = (self.rng.next_u64() as u32, 1_000_000_000 + u64::from(call) * 2_000_000_000);
            for i in 0..350u64 {
                let at_ns = start_ns + i * 20_000_000 + self.jitter(300_000);
                let mut rtp = vec![0x80, 0];
                rtp.extend((i as u16).to_be_bytes());
                rtp.extend((i as u32 * 160).to_be_bytes());
                rtp.extend(source.to_be_bytes());
                rtp.extend((0..160u64).map(|k| (0x55 ^ (k * i)) as u8));
                let mut ip = Ip::new(&format!("10.10.2.{}", 40 + call), "10.20.3.30");
                (ip.dscp, ip.id) = (46, i as u16);
                let port = 16_384 + u16::from(call) * 2;
                self.put(at_ns, 40 + call, Direction::Outbound, IPV4, &ip.udp((port, port), &rtp));
            }
        }
    }

    fn pings(&mut self) {
        for i in 0..10u16 {
            for (host, to) in [(10, "10.20.1.10"), (11, "10.20.0.53"), (12, "192.0.2.1")] {
                let at_ns = 50_000_000 + u64::from(i) * 1_000_000_000 + u64::from(host) * 1_000_000 - 10_000_000;
                let mut ip = Ip::new(&format!("10.10.1.{host}"), to);
                ip.id = i;
                let rest = [&[0, host, 0, i as u8][..], &(0..48).collect::<Vec<u8>>()].concat();
                self.put(at_ns, host, Direction::Outbound, IPV4, &ip.icmp(8, &rest));
                let back = Ip { from: ip.to, to: ip.from, ttl: 60, ..ip };
                self.put(at_ns + 4_000_000, host, Direction::Inbound, IPV4, &back.icmp(0, &rest));
            }
            let ip = Ip::new("fd10:10:0:1::10", "fd10:20:0:1::10");
            let rest = [&[0, 10, 0, i as u8][..], &(0..48).collect::<Vec<u8>>()].concat();
            let at_ns = 90_000_000 + u64::from(i) * 1_000_000_000;
            self.put(at_ns, 10, Direction::Outbound, ip.ethertype(), &ip.icmp(128, &rest));
        }
    }

    /// A datagram in two fragments, one that nobody answers, a TTL that is used up, a neighbour's chatter.
    fn odds(&mut self) {
        for i in 0..6u64 {
            let at_ns = 2_000_000_000 + i * 1_000_000_000;
            let mut ip = Ip::new("10.10.1.20", "10.20.2.21");
            ip.id = 0x7000 + i as u16;
            let datagram = ip.datagram((4000, 4001), &[0x42; 2000]);
            let (first, second) = datagram.split_at(1480);
            self.put(at_ns, 20, Direction::Outbound, IPV4, &ip.fragment(UDP, first, 0x2000));
            self.put(at_ns + 12_000, 20, Direction::Outbound, IPV4, &ip.fragment(UDP, second, 185));
            let ip = Ip { ttl: 1, ..Ip::new("10.10.1.21", "10.20.1.10") };
            self.put(
                at_ns + 100_000_000,
                21,
                Direction::Outbound,
                IPV4,
                &ip.udp((33_434, 33_434 + i as u16), &[0; 24]),
            );
            let ip = Ip::new("10.10.1.22", "10.99.0.1");
            self.put(at_ns + 200_000_000, 22, Direction::Outbound, IPV4, &ip.udp((5000, 5000), b"nobody is there"));
            // A spanning tree BPDU: no IP, an 802.3 length.
            let bpdu = [&[0x42, 0x42, 3, 0, 0, 0, 0, 0][..], &[0x80; 30]].concat();
            let octets = padded(ethernet([1, 0x80, 0xc2, 0, 0, 0], mac(0x20, 1), bpdu.len() as u16, &bpdu));
            self.frames.push(Frame { at_ns: at_ns + 300_000_000, direction: Direction::Outbound, octets });
        }
    }
}
