use super::*;
use crate::venue;

fn lines(venue: &str, input: &str) -> Vec<String> {
    let mut decoder = Decoder::new(venue::by_name(venue).unwrap());
    let mut lines = Vec::new();
    decoder.decode_line(input.as_bytes(), &mut |line| {
        lines.push(serde_json::to_string(line).unwrap());
    });
    lines
}

const FRAME: &str =
    r#"{"e":"trade","E":1,"s":"BTCUSDT","t":7,"p":"100.50","q":"0.1","T":1000,"m":true,"M":true}"#;
const TRADE: &str = r#"{"venue":"binance","kind":"trade","symbol":"BTCUSDT","time_ms":1000,"price":"100.50","size":"0.1","id":"7","taker":"sell","line":1}"#;

#[test]
fn a_frame_may_be_plain_or_wrapped() {
    let raw = serde_json::to_string(FRAME).unwrap();
    assert_eq!(lines("binance", FRAME), [TRADE]);
    assert_eq!(lines("binance", &format!("  {FRAME}\r\n")), [TRADE]);
    for wrapped in [
        format!(r#"{{"dir":"in","t":1.5,"raw":{raw}}}"#),
        format!(r#"{{"recv_ns":1,"raw":{raw}}}"#),
        format!(r#"{{"recv_ns":1,"raw":{FRAME}}}"#),
    ] {
        assert_eq!(lines("binance", &wrapped), [TRADE], "{wrapped}");
    }
}

#[test]
fn lines_that_did_not_come_from_the_venue_are_ignored() {
    let sent = lines(
        "binance",
        r#"{"dir":"out","t":1,"raw":"{\"method\":\"SUBSCRIBE\"}"}"#,
    );
    let expected = r#"{"venue":"binance","kind":"ignored","what":"sent by the client","line":1}"#;
    assert_eq!(sent, [expected]);
    assert_eq!(
        lines("binance", r#"{"dir":"open","t":1,"url":"wss://x"}"#).len(),
        1
    );
    assert_eq!(lines("binance", " \n"), [""; 0]);
}

#[test]
fn an_answer_is_candles_and_a_later_one_closes_those_before() {
    let body = r#"[[60000,"1","3","1","2.0","5",119999,"0",1,"0","0","0"],[120000,"2","3","1","3","6",179999,"0",1,"0","0","0"]]"#;
    let pretty = body.replace(',', ",\n ");
    let expected = [
        r#"{"venue":"binance","kind":"candle","symbol":null,"time_ms":60000,"step_ms":60000,"open":"1","high":"3","low":"1","close":"2.0","volume":"5","closed":true,"line":1}"#,
        r#"{"venue":"binance","kind":"candle","symbol":null,"time_ms":120000,"step_ms":60000,"open":"2","high":"3","low":"1","close":"3","volume":"6","closed":null,"line":1}"#,
    ];
    assert_eq!(lines("binance", body), expected);
    assert_eq!(lines("binance", &pretty), expected);
    let wrapped = format!(r#"{{"path":"/api/v3/klines","body":{body}}}"#);
    assert_eq!(lines("binance", &wrapped), expected);
    let text = serde_json::to_string(body).unwrap();
    let wrapped = format!(r#"{{"path":"/api/v3/klines","body":{text}}}"#);
    assert_eq!(lines("binance", &wrapped), expected);
    let refused = lines(
        "binance",
        r#"{"path":"/x","body":{"code":-1121,"msg":"Invalid symbol."}}"#,
    );
    let expected = r#"{"venue":"binance","kind":"error","error":"refused","message":"Invalid symbol. (-1121)","line":1}"#;
    assert_eq!(refused, [expected]);
}

#[test]
fn faults_are_error_lines() {
    for input in ["{", "<html>", "\u{0}"] {
        let output = lines("kraken", input);
        assert!(
            output.len() == 1 && output[0].contains(r#""error":"not_json""#),
            "{output:?}"
        );
    }
    let mut decoder = Decoder::new(venue::by_name("kraken").unwrap());
    let mut errors = 0;
    decoder.decode_line(&[0xff, 0xfe], &mut |line| {
        assert!(matches!(line.content, DecodedContent::Error(_)));
        errors += 1;
    });
    assert_eq!(errors, 1);
    let output = lines("binance", r#"[[60000,"1","x","1","2","5",119999]]"#);
    assert!(
        output.len() == 1 && output[0].contains("malformed"),
        "{output:?}"
    );
}

/// Integers beyond 2^53 and exponents come out exactly.
#[test]
fn numbers_are_exact() {
    let frame = r#"{"event":"trade","channel":"live_trades_btcusd","data":{"id":9007199254740993,"timestamp":"1","microtimestamp":"1616297318187000","amount":1e-08,"amount_str":"1E-8","price":57748.8,"price_str":"57748.80","type":0}}"#;
    let output = lines("bitstamp", frame);
    let expected = r#"{"venue":"bitstamp","kind":"trade","symbol":"btcusd","time_ms":1616297318187,"price":"57748.80","size":"0.00000001","id":"9007199254740993","taker":"buy","line":1}"#;
    assert_eq!(output, [expected]);
}
