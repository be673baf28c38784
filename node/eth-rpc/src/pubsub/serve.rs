//! Sending what happens to one subscriber.

use crate::{
    error::{limit_exceeded, RpcResult},
    feed::{Lagged, Reader, SyncState},
};
use jsonrpsee::{
    core::JsonRawValue,
    server::{SubscriptionCloseResponse, SubscriptionMessage},
    types::ErrorObjectOwned,
    SendTimeoutError, SubscriptionSink,
};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Events taken from the journal at once.
const BATCH: usize = 32;

/// A connection that takes nothing for so long loses its subscriptions.
const SEND_TIME: Duration = Duration::from_secs(30);

/// Why a subscription ends.
enum End {
    /// The client wanted it or is gone.
    Closed,
    /// The node ends it, and says why.
    Dropped(ErrorObjectOwned),
}

impl From<Lagged> for End {
    fn from(lagged: Lagged) -> Self {
        Self::Dropped(limit_exceeded(format_args!(
            "subscription dropped: the client is too slow, {lagged}"
        )))
    }
}

impl From<ErrorObjectOwned> for End {
    fn from(error: ErrorObjectOwned) -> Self {
        Self::Dropped(error)
    }
}

impl From<End> for SubscriptionCloseResponse {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::None,
            End::Dropped(error) => {
                SubscriptionMessage::from_json(&error).map_or(Self::None, Self::NotifErr)
            }
        }
    }
}

/// Sends what `messages` makes of each event, until the client leaves or falls behind.
///
/// Nothing is buffered for the client beyond what its connection buffers: a slow client falls
/// behind in the journal, and out of it.
pub(super) async fn events<T: Clone>(
    sink: SubscriptionSink,
    mut reader: Reader<T>,
    messages: impl Fn(&T) -> RpcResult<Vec<Arc<JsonRawValue>>>,
) -> SubscriptionCloseResponse {
    loop {
        let batch = tokio::select! {
            () = sink.closed() => return End::Closed.into(),
            batch = reader.next(BATCH) => batch,
        };
        if let Err(end) = send_batch(&sink, batch, &messages).await {
            return end.into();
        }
    }
}

async fn send_batch<T>(
    sink: &SubscriptionSink,
    batch: Result<Vec<T>, Lagged>,
    messages: impl Fn(&T) -> RpcResult<Vec<Arc<JsonRawValue>>>,
) -> Result<(), End> {
    for event in batch? {
        for message in messages(&event)? {
            send(sink, &*message).await?;
        }
    }
    Ok(())
}

/// Tells whether the node is catching up: at once if it is, and whenever that changes.
pub(super) async fn sync_states(
    sink: SubscriptionSink,
    mut states: watch::Receiver<SyncState>,
) -> SubscriptionCloseResponse {
    let mut state = *states.borrow_and_update();
    let mut told = state != SyncState::default();
    loop {
        if told {
            if let Err(end) = send(&sink, &state).await {
                return end.into();
            }
        }
        told = true;
        tokio::select! {
            () = sink.closed() => return End::Closed.into(),
            changed = states.changed() => if changed.is_err() {
                return End::Closed.into();
            },
        }
        state = *states.borrow_and_update();
    }
}

async fn send<T: Serialize + ?Sized>(sink: &SubscriptionSink, result: &T) -> Result<(), End> {
    let message = SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), &result)
        .map_err(crate::error::internal)?;
    match sink.send_timeout(message, SEND_TIME).await {
        Ok(()) => Ok(()),
        Err(SendTimeoutError::Closed(_)) => Err(End::Closed),
        Err(SendTimeoutError::Timeout(_)) => Err(End::Dropped(limit_exceeded(format_args!(
            "subscription dropped: the client took nothing for {} s",
            SEND_TIME.as_secs()
        )))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Journal;
    use jsonrpsee::{core::to_json_raw_value, core::EmptyServerParams, RpcModule, Subscription};

    /// A module whose subscriptions send `n` times the text `n` for each event `n`.
    fn module(journal: Arc<Journal<u64>>, max_lag: u32) -> RpcModule<()> {
        let mut module = RpcModule::new(());
        module
            .register_subscription("eth_subscribe", "eth_subscription", "eth_unsubscribe", {
                move |_, pending, _, _| {
                    let reader = Reader::new(journal.clone(), max_lag);
                    async move {
                        let Ok(sink) = pending.accept().await else {
                            return SubscriptionCloseResponse::None;
                        };
                        let messages = |event: &u64| {
                            let json = to_json_raw_value(&event.to_string());
                            let json: Arc<JsonRawValue> = json.unwrap().into();
                            Ok(vec![json; *event as usize])
                        };
                        events(sink, reader, messages).await
                    }
                }
            })
            .unwrap();
        module
    }

    async fn next(subscription: &mut Subscription) -> Option<String> {
        subscription.next::<String>().await.map(|item| item.unwrap().0)
    }

    #[tokio::test]
    async fn subscriber_gets_every_message_of_every_event_in_order() {
        let journal = Arc::new(Journal::new(100));
        journal.append([9]);
        let module = module(journal.clone(), 100);
        let mut subscription =
            module.subscribe("eth_subscribe", EmptyServerParams::new(), 16).await.unwrap();
        journal.append([1, 0, 2]);
        for expected in ["1", "2", "2"] {
            assert_eq!(next(&mut subscription).await.as_deref(), Some(expected));
        }
        journal.append([1]);
        assert_eq!(next(&mut subscription).await.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn slow_subscriber_is_dropped_with_the_reason() {
        let journal = Arc::new(Journal::new(100));
        let module = module(journal.clone(), 5);
        let request = r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":[]}"#;
        let (_, mut sent) = module.raw_json_request(request, 1).await.unwrap();
        // The connection has room for one message, and nobody takes it.
        journal.append([1, 1, 1]);
        tokio::time::sleep(Duration::from_millis(50)).await;
        journal.append(vec![1; 50]);
        let mut texts = Vec::new();
        while let Some(text) = sent.recv().await {
            texts.push(text);
        }
        assert!(texts.len() < 53, "{} messages", texts.len());
        let last = texts.last().unwrap();
        assert!(last.contains("\"error\""), "{last}");
        assert!(last.contains("subscription dropped: the client is too slow"), "{last}");
    }

    #[tokio::test]
    async fn unsubscribed_client_leaves_no_reader() {
        let journal = Arc::new(Journal::<u64>::new(100));
        let module = module(journal.clone(), 5);
        let subscription =
            module.subscribe("eth_subscribe", EmptyServerParams::new(), 16).await.unwrap();
        assert!(journal.has_readers());
        drop(subscription);
        while journal.has_readers() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn ten_thousand_subscribers_get_the_event() {
        let journal = Arc::new(Journal::new(100));
        let module = module(journal.clone(), 5);
        let mut subscriptions = Vec::new();
        for _ in 0..10_000 {
            let params = EmptyServerParams::new();
            subscriptions.push(module.subscribe("eth_subscribe", params, 1).await.unwrap());
        }
        journal.append([1]);
        for subscription in &mut subscriptions {
            assert_eq!(next(subscription).await.as_deref(), Some("1"));
        }
    }

    #[tokio::test]
    async fn sync_is_told_at_once_only_while_it_lasts() {
        let states = watch::Sender::new(SyncState::default());
        let mut module = RpcModule::new(());
        let receiver = states.subscribe();
        module
            .register_subscription("eth_subscribe", "eth_subscription", "eth_unsubscribe", {
                move |_, pending, _, _| {
                    let receiver = receiver.clone();
                    async move {
                        match pending.accept().await {
                            Ok(sink) => sync_states(sink, receiver).await,
                            Err(_) => SubscriptionCloseResponse::None,
                        }
                    }
                }
            })
            .unwrap();
        let params = EmptyServerParams::new();
        let mut idle = module.subscribe("eth_subscribe", params, 16).await.unwrap();
        let progress = crate::feed::Progress { starting: 1, current: 2, highest: 3 };
        states.send_replace(SyncState(Some(progress)));
        let params = EmptyServerParams::new();
        let mut late = module.subscribe("eth_subscribe", params, 16).await.unwrap();
        for subscription in [&mut idle, &mut late] {
            let told = subscription.next::<serde_json::Value>().await.unwrap().unwrap().0;
            assert_eq!(told["status"]["currentBlock"], "0x2");
        }
        states.send_replace(SyncState(None));
        let told = idle.next::<serde_json::Value>().await.unwrap().unwrap().0;
        assert_eq!(told, serde_json::Value::Bool(false));
    }
}
