//! Capture files: reading pcap and pcapng of every kind as a stream, writing pcapng; no frame is interpreted.
