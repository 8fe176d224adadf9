//! A bounded channel whose sender never waits: items that don't fit are counted, and the count takes their place in the
//! order.

use tokio::sync::mpsc::{self, error::TrySendError};

/// What the receiver gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<T> {
    /// An item that was offered.
    Item(T),
    /// This many items were offered here that didn't fit.
    Lost(u64),
}

/// The sending end.
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

    /// Sends an item, or counts it as lost if the channel is full. False once the receiver is gone.
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

    /// Counts an item as lost that isn't offered, for lack of room elsewhere.
    pub const fn lose(&mut self) {
        self.lost = self.lost.saturating_add(1);
    }

    /// Sends the count of items lost since the last one that fit, and waits for room for it.
    pub async fn finish(self) {
        if self.lost > 0 {
            // Without a receiver, nobody misses the count.
            let _ = self.sender.send(Delivery::Lost(self.lost)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_that_do_not_fit_are_counted_in_their_place() {
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
    async fn offering_without_a_receiver_returns_false() {
        let (sender, received) = mpsc::channel(1);
        drop(received);
        assert!(!LossySender::new(sender).offer(1));
    }

    #[tokio::test]
    async fn an_item_that_is_not_even_offered_is_counted() {
        let (sender, mut received) = mpsc::channel(2);
        let mut lossy_sender = LossySender::new(sender);
        lossy_sender.lose();
        lossy_sender.lose();
        assert!(lossy_sender.offer(1));
        assert_eq!(received.recv().await, Some(Delivery::Lost(2)));
        assert_eq!(received.recv().await, Some(Delivery::Item(1)));
    }
}
