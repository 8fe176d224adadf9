//! HTTP by hand: requests that no client library would send, and a venue that serves one price.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// No answer on this machine takes this long.
const DEADLINE: Duration = Duration::from_secs(30);

/// Status and body of the answer to a POST.
pub fn http_post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> (u16, String) {
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!(
        "content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// A venue whose every bar is at 42,000; it serves for as long as the test runs.
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
