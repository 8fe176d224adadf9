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

/// Of each venue, an answer of two candles whose second has a row that can't be read: the same error line, plain or wrapped.
#[test]
fn a_bad_row_is_malformed_in_a_plain_answer_as_in_a_wrapped_one() {
    for (venue, good, bad) in [
        (
            "binance",
            r#"[[60000,"1","3","1","2","5",119999]ROW]"#,
            r#",[120000,"","","","","",179999]"#,
        ),
        (
            "binance",
            r#"[[60000,"1","3","1","2","5",119999]ROW]"#,
            ",[120000]",
        ),
        (
            "binance",
            r#"[[60000,"1","3","1","2","5",119999]ROW]"#,
            ",null",
        ),
        (
            "binance_us",
            r#"[[60000,"1","3","1","2","5",119999]ROW]"#,
            r#",["x"]"#,
        ),
        (
            "bitfinex",
            "[[60000,1,2,3,1,5]ROW]",
            ",[120000,null,null,null,null,0]",
        ),
        (
            "bitstamp",
            r#"{"data":{"pair":"B","ohlc":[{"timestamp":"60","open":"1","high":"3","low":"1","close":"2","volume":"5"}ROW]}}"#,
            r#",{"timestamp":"120","open":"","high":"","low":"","close":"","volume":"0"}"#,
        ),
        (
            "bybit",
            r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"B","list":[["60000","1","3","1","2","5","0"]ROW]},"time":1}"#,
            r#",["120000","","","","","",""]"#,
        ),
        (
            "coinbase_advanced",
            r#"{"candles":[{"start":"60","low":"1","high":"3","open":"1","close":"2","volume":"5"}ROW]}"#,
            r#",{"start":"120","low":"","high":"","open":"","close":"","volume":""}"#,
        ),
        (
            "coinbase_exchange",
            "[[60,1,3,1,2,5]ROW]",
            ",[120,-1,3,1,2,5]",
        ),
        (
            "gemini",
            "[[60000,1,3,1,2,5]ROW]",
            r#",[120000,"","","","",""]"#,
        ),
        (
            "kraken",
            r#"{"error":[],"result":{"XXBTZUSD":[[60,"1","3","1","2","0","5",1]ROW],"last":60}}"#,
            r#",[120,"","","","","","",0]"#,
        ),
        (
            "okx",
            r#"{"code":"0","msg":"","data":[["60000","1","3","1","2","5","0","0","1"]ROW]}"#,
            r#",["120000","","","","","","","","1"]"#,
        ),
        (
            "okx",
            r#"{"code":"0","msg":"","data":[["60000","1","3","1","2","5","0","0","1"]ROW]}"#,
            ",5",
        ),
    ] {
        let whole = good.replace("ROW", "");
        let output = lines(venue, &whole);
        assert!(
            output.len() == 1 && output[0].contains(r#""kind":"candle""#),
            "{venue}: {output:?}"
        );
        let body = good.replace("ROW", bad);
        let text = serde_json::to_string(&body).unwrap();
        for input in [
            body.clone(),
            format!(r#"{{"path":"/x","body":{body}}}"#),
            format!(r#"{{"path":"/x","body":{text}}}"#),
            body.replace(',', ",\n "),
        ] {
            let output = lines(venue, &input);
            let [line] = output.as_slice() else {
                panic!("{venue}: {output:?}");
            };
            assert!(line.contains(r#""error":"malformed""#), "{venue}: {line}");
        }
    }
}

/// Other answers of the same venues aren't candles, and so aren't bad ones.
#[test]
fn other_answers_are_ignored_as_before() {
    for (venue, body) in [
        (
            "okx",
            r#"{"code":"0","msg":"","data":[{"instId":"BTC-USDT","last":"1"}]}"#,
        ),
        (
            "bybit",
            r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"B"}]},"time":1}"#,
        ),
        (
            "kraken",
            r#"{"error":[],"result":{"XXBTZUSD":{"a":["1","1","1"]}}}"#,
        ),
        (
            "kraken",
            r#"{"error":[],"result":{"XXBTZUSD":[["1","2",3.5,"b","l","",7]],"last":"1699999920000000000"}}"#,
        ),
        ("binance", r#"[{"symbol":"BTCUSDT","price":"1"}]"#),
        ("coinbase_advanced", r#"{"trades":[],"best_bid":"1"}"#),
    ] {
        let output = lines(venue, body);
        assert!(
            output.len() == 1 && output[0].contains(r#""kind":"ignored""#),
            "{venue}: {output:?}"
        );
    }
}

#[test]
fn a_nested_refusal_is_an_error_line() {
    let nested = r#"{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}"#;
    let expected = r#"{"venue":"binance","kind":"error","error":"refused","message":"Invalid request: invalid stream (2)","line":1}"#;
    assert_eq!(lines("binance", nested), [expected]);
    let flat = r#"{"code":2,"msg":"Invalid request: invalid stream","id":1}"#;
    assert_eq!(lines("binance", flat), [expected]);
    let consent =
        r#"{"venue":"binance","kind":"status","status":"subscribed","topic":"request 1","line":1}"#;
    assert_eq!(lines("binance", r#"{"result":null,"id":1}"#), [consent]);
}

#[test]
fn a_line_that_is_too_long_is_an_error_line_and_the_next_is_read() {
    let mut decoder = Decoder::new(venue::by_name("binance").unwrap());
    let mut output = Vec::new();
    for input in [&vec![b'['; MAX_LINE_BYTES + 1][..], FRAME.as_bytes()] {
        decoder.decode_line(input, &mut |line| {
            output.push(serde_json::to_string(line).unwrap());
        });
    }
    assert!(
        output[0].contains("more than 16777216 bytes"),
        "{}",
        output[0]
    );
    assert_eq!(output[1], TRADE.replace(r#""line":1"#, r#""line":2"#));
}
