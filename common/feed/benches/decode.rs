//! Decoding a trade, per venue: frame to event, against `serde_json` into a generic value. Allocations are counted.

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

/// The venues, named so that the table says which is which.
fn venues() -> impl Iterator<Item = VenueArg> {
    ALL.into_iter().map(VenueArg)
}

struct VenueArg(&'static dyn Venue);

impl std::fmt::Display for VenueArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

/// As the feed reads it: symbol, time, price and size in their own digits.
#[divan::bench(args = venues())]
fn feed(bencher: Bencher<'_, '_>, venue: &VenueArg) {
    let frames = frames::frames(venue.0, FRAMES);
    let channels = ChannelMap::default();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        let mut trades = 0;
        for frame in &frames {
            let read = venue.0.read_frame(frame, &channels, &mut |event| {
                if let VenueEvent::Trade(trade) = event {
                    divan::black_box(trade.price);
                    trades += 1;
                }
            });
            assert!(read.is_ok());
        }
        assert_eq!(trades, FRAMES);
    });
}

/// Into a generic value, and no further.
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
