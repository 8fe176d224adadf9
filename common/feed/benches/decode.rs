//! Decoding a trade, per venue: frame to event, against `serde_json` into a generic value. divan counts allocations.

mod frames;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use foretell_feed::event::VenueEvent;
use foretell_feed::venue::{ALL, ChannelMap, Venue};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const FRAMES: u64 = 1_000;

fn main() {
    divan::main();
}

/// The venues, which show their names in the table.
fn venues() -> impl Iterator<Item = VenueArg> {
    ALL.into_iter().map(VenueArg)
}

struct VenueArg(&'static dyn Venue);

impl std::fmt::Display for VenueArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

/// With the venue's parser: symbol, time, price and size in the venue's digits.
#[divan::bench(args = venues())]
fn feed(bencher: Bencher<'_, '_>, venue: &VenueArg) {
    let frames = frames::frames(venue.0, FRAMES);
    let channels = ChannelMap::default();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut trades = 0;
        for frame in &frames {
            let result = venue.0.read_frame(frame, &channels, &mut |event| {
                if let VenueEvent::Trade(trade) = event {
                    divan::black_box(trade.price);
                    trades += 1;
                }
            });
            assert!(result.is_ok());
        }
        assert_eq!(trades, FRAMES);
    });
}

/// With `serde_json`, into a generic value.
#[divan::bench(args = venues())]
fn generic_value(bencher: Bencher<'_, '_>, venue: &VenueArg) {
    let frames = frames::frames(venue.0, FRAMES);
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        for frame in &frames {
            let value: serde_json::Result<serde_json::Value> = serde_json::from_str(frame);
            assert!(divan::black_box(value).is_ok());
        }
    });
}
