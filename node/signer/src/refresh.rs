//! All members make new shares of the same key (`bzk-signer refresh`).

use crate::exchange::{file_name, Exchange, ExchangeError, Progress};
use bzk_threshold::{
    bip340::{self, recover},
    committee::MemberSet,
    refresh::{confirmation_message, context, renew, Confirmation, Confirmations, Deal, Proposal},
};
use rand_core::OsRng;

const DEAL: &str = "refresh-deal";
const CONFIRMATION: &str = "refresh-confirmation";

/// Does what the folder asks of this member. All members repeat it until nothing is missing; then one of
/// them tells the chain, and with that the old shares are destroyed, each by its own daemon.
///
/// Attempts are counted from 0; one that failed is begun again in an empty folder with the next number.
///
/// # Errors
/// [`ExchangeError`]; it names whose deal is wrong.
pub fn refresh(exchange: &Exchange<'_>, attempt: u16) -> Result<Progress, ExchangeError> {
    let Exchange { key, me, store, secret, .. } = exchange;
    let (group, transcript) = (&key.key, &key.transcript);
    let share = exchange.share()?.ok_or(ExchangeError::NoShare(key.epoch))?;
    let confirmed = exchange.open::<Confirmation>(&file_name(CONFIRMATION, *me), *me)?;
    if confirmed.is_some_and(|envelope| envelope.message.polynomial == group.digest()) {
        return Ok(Progress::Refreshed);
    }
    let context = context(transcript, group, attempt);
    exchange.send(DEAL, &context, || {
        Deal::make(&context, group, &key.committee, *me, &mut OsRng).ok_or(ExchangeError::Unlucky)
    })?;
    let all = || MemberSet::all(group.members).iter();
    let (deals, missing) = exchange.collect::<Deal>(DEAL, &context, all())?;
    if !missing.is_empty() {
        return Ok(Progress::Waiting(missing));
    }
    let (renewed, fresh) = renew(&context, group, &share, &deals, secret)
        .map_err(|culprit| ExchangeError::BadDeal(culprit.0))?;
    store.put_renewed_share(transcript, &renewed, &fresh)?;
    let message = confirmation_message(transcript, group, &renewed.polynomial);
    exchange.send(CONFIRMATION, &context, || {
        let signature = secret.sign(&message, &mut OsRng).ok_or(ExchangeError::Unlucky)?;
        Ok(Confirmation { polynomial: renewed.digest(), signature })
    })?;
    let (confirmations, missing) =
        exchange.collect::<Confirmation>(CONFIRMATION, &context, all())?;
    if !missing.is_empty() {
        return Ok(Progress::Waiting(missing));
    }
    for (member, confirmation) in &confirmations {
        let signed = key
            .committee
            .key(*member)
            .is_some_and(|key| bip340::verify(recover, key, &message, &confirmation.signature));
        if confirmation.polynomial != renewed.digest() || !signed {
            return Err(ExchangeError::OtherDeals(member.0));
        }
    }
    // One of each member.
    let signatures = confirmations.into_values().map(|confirmation| confirmation.signature);
    let signatures = Confirmations::truncate_from(signatures.collect());
    let polynomial = renewed.polynomial;
    Ok(Progress::Confirmed(Proposal { epoch: key.epoch, polynomial, signatures }))
}
