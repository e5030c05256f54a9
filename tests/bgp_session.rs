//! A whole BGP session, SYN to Cease, as tshark reads it: two ends over a path of 1 ms, written as a capture.

mod cmd;

use biplane::control::bgp::session::Event;
use biplane::control::bgp::{Cease, Command, Session, SessionConfig, State};
use biplane::control::{AsPath, Attributes, Family, Nlri, RouteUpdate, Segment};
use biplane::rng::Rng;
use biplane::time::{Instant, Span};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const DELAY: Span = Span::from_ms(1);

/// Two ends; what was sent, when and by whom; what is on its way.
struct Net {
    now: Instant,
    ends: [Session; 2],
    sent: Vec<(Instant, usize, Vec<u8>)>,
    flying: BTreeMap<(Instant, usize), (usize, Vec<u8>)>,
}

impl Net {
    fn new(is_v6: bool) -> Net {
        let address = |side: usize| -> IpAddr {
            let text = if is_v6 { ["fd00::1", "fd00::2"] } else { ["192.168.100.129", "192.168.100.130"] };
            text[side].parse().unwrap()
        };
        let system = [4_200_000_001, 12076];
        let end = |side: usize| {
            let router_id = Ipv4Addr::new(10, 0, 0, 1 + side as u8);
            let mut config =
                SessionConfig::new(address(side), address(1 - side), system[side], system[1 - side], router_id);
            config.is_passive = side == 1;
            config.graceful_restart = Some(Span::from_s(120));
            Session::new(config, Rng::new(7, side as u64))
        };
        Net { now: Instant::from_ps(0), ends: [end(0), end(1)], sent: Vec::new(), flying: BTreeMap::new() }
    }

    fn take(&mut self, side: usize) {
        while let Some(packet) = self.ends[side].poll_transmit() {
            self.flying.insert((self.now + DELAY, self.sent.len()), (1 - side, packet.clone()));
            self.sent.push((self.now, side, packet));
        }
    }

    fn command(&mut self, side: usize, command: Command) {
        self.ends[side].handle_command(self.now, command);
        self.take(side);
    }

    fn run(&mut self, span: Span) {
        let end = self.now + span;
        loop {
            let arrival = self.flying.keys().next().map(|key| key.0);
            let timers = [0, 1].map(|side| self.ends[side].poll_timeout());
            let next = [arrival, timers[0], timers[1]].into_iter().flatten().min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.now = next;
            if arrival == Some(next) {
                let (_, (side, packet)) = self.flying.pop_first().unwrap();
                assert!(self.ends[side].handle_packet(next, &packet));
                self.take(side);
            } else {
                let side = usize::from(timers[0] != Some(next));
                self.ends[side].handle_timeout(next);
                self.take(side);
            }
        }
        self.now = end;
    }

    /// A pcap of raw IP packets (link type 101), microsecond stamps.
    fn capture(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101] {
            file.extend(word.to_be_bytes());
        }
        for (at, _, packet) in &self.sent {
            let micros = at.as_ps() / 1_000_000;
            let length = packet.len() as u32;
            for word in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length] {
                file.extend(word.to_be_bytes());
            }
            file.extend(packet);
        }
        file
    }
}

fn session(is_v6: bool) -> Net {
    let mut net = Net::new(is_v6);
    (0..2).for_each(|side| net.command(side, Command::Start));
    net.run(Span::from_ms(100));
    assert!(net.ends.iter().all(|end| end.state() == State::Established));
    let (family, prefix) = if is_v6 { (Family::Ipv6, "2001:db8::/32") } else { (Family::Ipv4, "10.10.0.0/16") };
    let mut attributes = Attributes::new(if is_v6 { "fd00::1" } else { "192.168.100.129" }.parse().unwrap());
    attributes.as_path = AsPath(vec![Segment::Sequence(vec![4_200_000_001])]);
    let update = RouteUpdate {
        announced: vec![Nlri::from(prefix.parse::<ipnet::IpNet>().unwrap())],
        attributes: Some(Arc::new(attributes)),
        end_of_rib: Some(family),
        ..RouteUpdate::default()
    };
    assert!(net.ends[0].send_update(net.now, &update));
    net.take(0);
    net.run(Span::from_s(130));
    net.command(0, Command::Stop(Cease::AdministrativeShutdown));
    net.run(Span::from_s(20));
    assert_eq!(net.ends[1].state(), State::Idle);
    let events: Vec<_> = std::iter::from_fn(|| net.ends[1].poll_event()).collect();
    assert!(events.iter().any(|event| matches!(event, Event::Update(_))) && events.contains(&Event::Down));
    net
}

#[test]
fn tshark_reads_a_session_from_syn_to_cease() {
    for is_v6 in [false, true] {
        let net = session(is_v6);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session.pcap");
        std::fs::write(&file, net.capture()).unwrap();
        let ip = if is_v6 { ["ipv6.hlim", "ipv6.tclass.dscp"] } else { ["ip.ttl", "ip.dsfield.dscp"] };
        let fields = [
            "_ws.malformed",
            "tcp.checksum.status",
            ip[0],
            ip[1],
            "tcp.flags",
            "bgp.type",
            "bgp.open.holdtime",
            "bgp.open.identifier",
            "bgp.cap.4as",
            "bgp.notify.major_error",
            "bgp.notify.minor_error_cease",
            "tcp.analysis.flags",
        ];
        let Some(rows) = cmd::tshark(&file, &fields, &[]) else { return };
        assert_eq!(rows.len(), net.sent.len());
        for row in &rows {
            assert_eq!(row[..4], ["", "1", "1", "48"], "nothing malformed, good checksums, one hop, CS6: {row:?}");
            assert_eq!(row[11], "", "nothing out of order, lost or sent twice: {row:?}");
        }
        let said: Vec<_> = rows
            .iter()
            .zip(&net.sent)
            .filter(|(row, _)| !row[5].is_empty())
            .map(|(row, (at, side, _))| {
                format!("{} {side} {}", at.as_ps() / 1_000_000_000_000, row[5..11].join(" ").trim())
            })
            .collect();
        let quiet: Vec<_> = said.iter().filter(|line| !line.ends_with(" 4")).collect();
        let expected =
            ["0 0 1 180 10.0.0.1 4200000001", "0 1 1 180 10.0.0.2 12076", "0 0 2", "0 0 2", "130 0 3    6 2"];
        assert_eq!(quiet, expected, "OPENs, UPDATEs, NOTIFICATION: {said:?}");
        // The first of each end answers the OPEN; others come after 45 s to 60 s.
        let keepalives = |side: &str| said.iter().filter(|line| line.ends_with(&format!(" {side} 4"))).count();
        assert!([3, 4].contains(&keepalives("0")) && [3, 4].contains(&keepalives("1")), "{said:?}");
        let flags = |row: &Vec<String>| row[4].clone();
        assert_eq!([flags(&rows[0]), flags(&rows[1])], ["0x0002", "0x0012"], "SYN, SYN and ACK");
        assert!(rows.iter().filter(|row| flags(row).ends_with('1')).count() == 2, "each end says FIN");
    }
}
