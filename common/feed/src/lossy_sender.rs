//! A bounded channel that never waits and never drops in silence: what doesn't fit is counted, and the count takes its
//! place in the order.

use tokio::sync::mpsc::{self, error::TrySendError};

/// What comes out of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<T> {
    /// What was put in.
    Item(T),
    /// Here so many were, which didn't fit.
    Lost(u64),
}

/// The end where things are put in.
#[derive(Debug)]
pub struct LossySender<T> {
    sender: mpsc::Sender<Delivery<T>>,
    lost: u64,
}

impl<T> LossySender<T> {
    /// A sender on this channel, which several may share.
    pub const fn new(sender: mpsc::Sender<Delivery<T>>) -> Self {
        Self { sender, lost: 0 }
    }

    /// Puts an item in, or counts it as lost. Whether anybody still listens.
    pub fn offer(&mut self, item: T) -> bool {
        if self.lost > 0 {
            match self.sender.try_send(Delivery::Lost(self.lost)) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_)) => {
                    self.lost += 1;
                    return true;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        match self.sender.try_send(Delivery::Item(item)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }

    /// Says what was lost since the last item that fit, waiting for room.
    pub async fn finish(self) {
        if self.lost > 0 {
            // Nobody to tell is nobody who misses it.
            let _ = self.sender.send(Delivery::Lost(self.lost)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_counted_in_its_place() {
        let (sender, mut received) = mpsc::channel(2);
        let mut lossy_sender = LossySender::new(sender);
        for item in 1..=5 {
            assert!(lossy_sender.offer(item));
        }
        assert_eq!(received.recv().await, Some(Delivery::Item(1)));
        assert_eq!(received.recv().await, Some(Delivery::Item(2)));
        assert!(lossy_sender.offer(6));
        assert_eq!(received.recv().await, Some(Delivery::Lost(3)));
        assert_eq!(received.recv().await, Some(Delivery::Item(6)));
        for item in 7..=9 {
            lossy_sender.offer(item);
        }
        let finished = tokio::spawn(lossy_sender.finish());
        assert_eq!(received.recv().await, Some(Delivery::Item(7)));
        assert_eq!(received.recv().await, Some(Delivery::Item(8)));
        assert_eq!(received.recv().await, Some(Delivery::Lost(1)));
        finished.await.unwrap();
        assert_eq!(received.recv().await, None);
    }

    #[tokio::test]
    async fn nobody_listening_is_told() {
        let (sender, received) = mpsc::channel(1);
        drop(received);
        assert!(!LossySender::new(sender).offer(1));
    }
}
