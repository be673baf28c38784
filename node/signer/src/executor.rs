//! Does what the signing machine asks, in its order: the disk first.

use crate::{log::LogError, store::KeyStore};
use bzk_threshold::signing::{
    message::Message,
    request::Request,
    signer::{Action, Event, Signer},
};
use rand_core::OsRng;

/// Where messages go. They are signed with the session key for the digest of the attempt.
pub trait Outbox {
    /// Sends `message`. May fail silently: the chain's deadlines handle what does not arrive.
    fn send(&mut self, context: [u8; 32], message: Message);
}

/// Says whether something may be signed, asked before nonces leave and when the shares are about to be
/// released.
pub trait Policy {
    /// Whether this may be signed now. If not, the member waits: it is asked again.
    fn allows(&mut self, request: &Request) -> bool;
}

/// Feeds `event` to `signer` and does all that follows. Nonces come from the operating system.
///
/// # Errors
/// The log; the process must end then, and with it the nonces.
pub fn execute(
    mut signer: Signer,
    event: Event,
    store: &mut KeyStore,
    outbox: &mut impl Outbox,
    policy: &mut impl Policy,
) -> Result<Signer, LogError> {
    let mut next = Some(event);
    let mut attempt = 0;
    while let Some(event) = next.take() {
        if let Event::Selected { attempt: selected, .. } = &event {
            attempt = *selected;
        }
        let (state, actions) = signer.apply(event, &mut OsRng);
        signer = state;
        for action in actions {
            match action {
                Action::Persist(record) => store.log().append(record)?,
                Action::Publish(context, message) => outbox.send(context, message),
                Action::CheckPolicy(request) => {
                    if policy.allows(&request) {
                        next = Some(Event::Approved { session: request.session, attempt });
                    }
                }
            }
        }
    }
    Ok(signer)
}
