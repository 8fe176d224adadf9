//! A venue that speaks the protocol of `venue = "replay"` and knows one price.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Starts a venue whose every bar is at 42,000, and gives its address. It serves for as long as the test runs.
pub fn start_constant_price_venue() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve_bars(stream.unwrap()));
        }
    });
    address
}

fn serve_bars(mut stream: TcpStream) {
    let mut line = String::new();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    lines.read_line(&mut line).unwrap();
    let target = line.split(' ').nth(1).unwrap();
    let number = |name: &str| -> i64 {
        let at = target.find(name).unwrap() + name.len();
        let digits = target[at..].split('&').next().unwrap();
        digits.parse().unwrap()
    };
    let (step, from, to) = (number("step_ms="), number("from_ms="), number("to_ms="));
    let first = from + (-from).rem_euclid(step);
    let bars: Vec<String> = (0..1000)
        .map(|i| first + i * step)
        .take_while(|open| open + step <= to)
        .map(|open| {
            format!(
                r#"{{"open_time":{open},"open":"42000","high":"42000","low":"42000","close":"42000","volume":1.0}}"#
            )
        })
        .collect();
    let body = format!(r#"{{"candles":[{}]}}"#, bars.join(","));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}
