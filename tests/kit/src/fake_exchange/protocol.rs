//! What each venue sends, as it writes it. The texts are ours, after the venues' documentation.

use foretell_feed::venue::Venue;
use serde_json::{Value, json};

/// A minute of an exchange's candles: start, then open, high, low, close, volume as the venue will write them.
pub type CandleTexts = (i64, [String; 5]);

const CHANNEL: u64 = 17;

/// The protocol of a venue on one connection.
#[derive(Debug, Clone)]
pub struct ExchangeProtocol {
    name: &'static str,
    symbol: String,
    subscription_requests: usize,
    /// Frames so far, on venues that number them.
    number: u64,
}

impl ExchangeProtocol {
    /// The protocol of a venue that a client asks for these symbols, the first of which is traded.
    pub fn new(venue: &'static dyn Venue, symbols: &[String]) -> Self {
        Self {
            name: venue.name(),
            symbol: symbols[0].clone(),
            subscription_requests: venue.subscribe(symbols).len(),
            number: 0,
        }
    }

    /// How many messages a client needs to subscribe.
    pub fn subscription_requests(&self) -> usize {
        self.subscription_requests
    }

    /// What acknowledges a request.
    pub fn acknowledgement(&mut self, request: &str) -> Vec<String> {
        let asked: Value = serde_json::from_str(request).unwrap();
        let symbol = &self.symbol;
        let answers = match self.name {
            "binance" | "binance_us" => vec![json!({"result": null, "id": asked["id"]})],
            "gemini" => vec![json!({"id": asked["id"], "status": 200})],
            "bitfinex" if asked["event"] == "conf" => {
                vec![json!({"event": "conf", "status": "OK", "flags": asked["flags"]})]
            }
            "bitfinex" => vec![json!({
                "event": "subscribed", "channel": "trades", "chanId": CHANNEL,
                "symbol": asked["symbol"], "pair": symbol.trim_start_matches('t'),
            })],
            "bitstamp" => vec![json!({
                "event": "bts:subscription_succeeded", "channel": asked["data"]["channel"], "data": {},
            })],
            "bybit" => vec![json!({
                "success": true, "ret_msg": "subscribe", "conn_id": "c", "req_id": asked["req_id"],
                "op": "subscribe",
            })],
            "coinbase_exchange" => {
                let channels: Vec<Value> = asked["channels"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|name| json!({"name": name, "product_ids": asked["product_ids"]}))
                    .collect();
                vec![json!({"type": "subscriptions", "channels": channels})]
            }
            "coinbase_advanced" => {
                let mut subscriptions = json!({"market_trades": [symbol]});
                if asked["channel"] == "heartbeats" {
                    subscriptions["heartbeats"] = json!(["heartbeats"]);
                }
                vec![self.numbered(
                    "subscriptions",
                    &json!([{"subscriptions": subscriptions}]),
                    0,
                )]
            }
            "kraken" => {
                let symbols = asked["params"]["symbol"].as_array().unwrap().iter();
                let ack = |symbol| {
                    json!({
                        "method": "subscribe", "success": true,
                        "result": {"channel": "trade", "symbol": symbol, "snapshot": false},
                        "time_in": "2026-01-01T00:00:00Z", "time_out": "2026-01-01T00:00:00Z",
                    })
                };
                symbols.map(ack).collect()
            }
            "okx" => vec![json!({"event": "subscribe", "arg": asked["args"][0], "connId": "c"})],
            other => panic!("no protocol of {other}"),
        };
        answers.iter().map(Value::to_string).collect()
    }

    /// What refuses a subscription.
    pub fn rejection(&self) -> String {
        let symbol = &self.symbol;
        let answer = match self.name {
            "binance" | "binance_us" => json!({"code": 2, "msg": "Invalid request", "id": 1}),
            "gemini" => json!({"id": 1, "status": 400, "error": {"code": -1, "msg": "no"}}),
            "bitfinex" => {
                json!({"event": "error", "msg": "symbol: invalid", "code": 10300, "symbol": symbol})
            }
            "bitstamp" => {
                json!({"event": "bts:error", "channel": "", "data": {"code": null, "message": "Bad channel"}})
            }
            "bybit" => json!({"success": false, "ret_msg": "Invalid symbol", "op": "subscribe"}),
            "coinbase_exchange" => {
                json!({"type": "error", "message": "Failed to subscribe", "reason": "no such product"})
            }
            "coinbase_advanced" => json!({"type": "error", "message": "no such product"}),
            "kraken" => {
                json!({"method": "subscribe", "success": false, "symbol": symbol, "error": format!("Currency pair not supported {symbol}")})
            }
            "okx" => json!({"event": "error", "code": "60018", "msg": "Wrong instId"}),
            other => panic!("no protocol of {other}"),
        };
        answer.to_string()
    }

    /// A trade at `time`; twice where the venue does so.
    pub fn trade(&mut self, id: u64, price: &str, time: i64) -> Vec<String> {
        let symbol = &self.symbol;
        let bare = price;
        match self.name {
            "binance" | "binance_us" => vec![format!(
                r#"{{"e":"trade","E":{time},"s":"{symbol}","t":{id},"p":"{price}","q":"0.5","T":{time},"m":true,"M":true}}"#
            )],
            "gemini" => vec![format!(
                r#"{{"E":{time}000123,"s":"{symbol}","t":{id},"p":"{price}","q":"0.5","m":true}}"#
            )],
            "bitfinex" => ["te", "tu"]
                .map(|word| {
                    self.number += 1;
                    let number = self.number;
                    format!(r#"[{CHANNEL},"{word}",[{id},{time},-0.5,{bare}],{number},{time}]"#)
                })
                .to_vec(),
            "bitstamp" => vec![format!(
                r#"{{"event":"trade","channel":"live_trades_{symbol}","data":{{"id":{id},"timestamp":"{}","microtimestamp":"{time}000","amount":0.5,"amount_str":"0.50000000","price":{bare},"price_str":"{price}","type":1,"buy_order_id":1,"sell_order_id":2}}}}"#,
                time / 1000
            )],
            "bybit" => vec![format!(
                r#"{{"topic":"publicTrade.{symbol}","type":"snapshot","ts":{time},"data":[{{"T":{time},"s":"{symbol}","S":"Sell","v":"0.5","p":"{price}","L":"PlusTick","i":"{id}","BT":false,"RPI":false,"seq":1}}]}}"#
            )],
            "coinbase_exchange" => vec![format!(
                r#"{{"type":"match","trade_id":{id},"maker_order_id":"a","taker_order_id":"b","side":"buy","size":"0.5","price":"{price}","product_id":"{symbol}","sequence":{id},"time":"{}"}}"#,
                rfc3339(time)
            )],
            "coinbase_advanced" => {
                let trade = json!({
                    "trade_id": id.to_string(), "product_id": symbol, "price": price, "size": "0.5",
                    "side": "BUY", "time": rfc3339(time),
                });
                let events = json!([{"type": "update", "trades": [trade]}]);
                vec![self.numbered("market_trades", &events, time).to_string()]
            }
            "kraken" => vec![format!(
                r#"{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"sell","price":{bare},"qty":0.5,"ord_type":"market","trade_id":{id},"timestamp":"{}"}}]}}"#,
                rfc3339(time)
            )],
            "okx" => vec![format!(
                r#"{{"arg":{{"channel":"trades","instId":"{symbol}"}},"data":[{{"instId":"{symbol}","tradeId":"{id}","px":"{price}","sz":"0.5","side":"sell","ts":"{time}","count":"1"}}]}}"#
            )],
            other => panic!("no protocol of {other}"),
        }
    }

    /// A heartbeat at `time`, on venues that have one.
    pub fn heartbeat(&mut self, time: i64) -> Option<String> {
        Some(match self.name {
            "bitfinex" => {
                self.number += 1;
                let number = self.number;
                format!(r#"[{CHANNEL},"hb",{number},{time}]"#)
            }
            "coinbase_exchange" => json!({
                "type": "heartbeat", "sequence": 1, "last_trade_id": 1, "product_id": self.symbol,
                "time": rfc3339(time),
            })
            .to_string(),
            "coinbase_advanced" => {
                let events = json!([{"current_time": "now", "heartbeat_counter": self.number}]);
                self.numbered("heartbeats", &events, time).to_string()
            }
            "kraken" => json!({"channel": "heartbeat"}).to_string(),
            _ => return None,
        })
    }

    /// The answer to a ping in the venue's protocol.
    pub fn pong(&self, ping: &str) -> Option<String> {
        match self.name {
            "okx" if ping == "ping" => Some("pong".into()),
            "kraken" if ping.contains("ping") => Some(json!({"method": "pong"}).to_string()),
            "bybit" if ping.contains("ping") => {
                Some(json!({"success": true, "ret_msg": "pong", "op": "ping"}).to_string())
            }
            "bitfinex" if ping.contains("ping") => {
                Some(json!({"event": "pong", "cid": 1}).to_string())
            }
            "bitstamp" if ping.contains("heartbeat") => Some(
                json!({"event": "bts:heartbeat", "channel": "", "data": {"status": "success"}})
                    .to_string(),
            ),
            _ => None,
        }
    }

    /// The notice of a restart.
    pub fn restart_notice(&self) -> String {
        let notice = match self.name {
            "binance" | "binance_us" => json!({"e": "serverShutdown", "E": 1}),
            "bitfinex" => {
                json!({"event": "info", "code": 20051, "msg": "Stopping. Please try to reconnect"})
            }
            "bitstamp" => json!({"event": "bts:request_reconnect", "channel": "", "data": ""}),
            "okx" => json!({"event": "notice", "code": "64008", "msg": "soon", "connId": "c"}),
            other => panic!("{other} gives no notice"),
        };
        notice.to_string()
    }

    /// The answer to a request for candles; the last minute is still forming.
    pub fn candles(&self, minutes: &[CandleTexts]) -> String {
        let last = minutes.len().saturating_sub(1);
        let rows = minutes.iter().enumerate().map(|(i, (start, [o, h, l, c, v]))| {
            let seconds = start / 1000;
            match self.name {
                "binance" | "binance_us" => format!(
                    r#"[{start},"{o}","{h}","{l}","{c}","{v}",{},"0",1,"0","0","0"]"#,
                    start + 59_999
                ),
                "bitfinex" => format!("[{start},{o},{c},{h},{l},{v}]"),
                "bitstamp" => format!(
                    r#"{{"timestamp":"{seconds}","open":"{o}","high":"{h}","low":"{l}","close":"{c}","volume":"{v}"}}"#
                ),
                "bybit" => format!(r#"["{start}","{o}","{h}","{l}","{c}","{v}","0"]"#),
                "coinbase_exchange" => format!("[{seconds},{l},{h},{o},{c},{v}]"),
                "coinbase_advanced" => format!(
                    r#"{{"start":"{seconds}","low":"{l}","high":"{h}","open":"{o}","close":"{c}","volume":"{v}"}}"#
                ),
                "gemini" => format!("[{start},{o},{h},{l},{c},{v}]"),
                "kraken" => format!(r#"[{seconds},"{o}","{h}","{l}","{c}","0","{v}",1]"#),
                "okx" => format!(
                    r#"["{start}","{o}","{h}","{l}","{c}","{v}","0","0","{}"]"#,
                    i32::from(i != last)
                ),
                other => panic!("no protocol of {other}"),
            }
        });
        let mut rows: Vec<String> = rows.collect();
        let newest_first = [
            "bybit",
            "coinbase_exchange",
            "coinbase_advanced",
            "gemini",
            "okx",
        ];
        if newest_first.contains(&self.name) {
            rows.reverse();
        }
        let rows = rows.join(",");
        match self.name {
            "bitstamp" => format!(r#"{{"data":{{"pair":"X","ohlc":[{rows}]}}}}"#),
            "bybit" => format!(
                r#"{{"retCode":0,"retMsg":"OK","result":{{"category":"spot","symbol":"{}","list":[{rows}]}},"time":1}}"#,
                self.symbol
            ),
            "coinbase_advanced" => format!(r#"{{"candles":[{rows}]}}"#),
            "kraken" => {
                format!(r#"{{"error":[],"result":{{"XXBTZUSD":[{rows}],"last":1}}}}"#)
            }
            "okx" => format!(r#"{{"code":"0","msg":"","data":[{rows}]}}"#),
            _ => format!("[{rows}]"),
        }
    }

    fn numbered(&mut self, channel: &str, events: &Value, time: i64) -> Value {
        let number = self.number;
        self.number += 1;
        json!({
            "channel": channel, "client_id": "", "timestamp": rfc3339(time), "sequence_num": number,
            "events": events,
        })
    }
}

fn rfc3339(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .unwrap()
        .to_string()
}
