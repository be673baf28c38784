//! A member gets its share back with the help of others (`bzk-signer repair`).

use crate::exchange::{Exchange, ExchangeError, Progress};
use bzk_threshold::{
    committee::{Member, MemberSet},
    repair::{recover, Deal, Plan, Sum},
};
use rand_core::OsRng;

const REQUEST: &str = "repair-request";
const DEAL: &str = "repair-deal";
const SUM: &str = "repair-sum";

/// Does what the folder asks of this member. All concerned repeat it until nothing is missing.
///
/// - `helpers`: given by the member that has lost its share, at first: whom it asks.
/// - `approved`: given by helpers: the request that they have been told of by word of mouth.
///
/// # Errors
/// [`ExchangeError`]; it names who lies.
pub fn repair(
    exchange: &Exchange<'_>,
    helpers: Option<MemberSet>,
    approved: Option<[u8; 32]>,
) -> Result<Progress, ExchangeError> {
    let Exchange { key, me, .. } = exchange;
    if helpers.is_some() && exchange.share()?.is_some() {
        return Err(ExchangeError::HasShare(key.epoch));
    }
    let Some(plan) = plan(exchange, helpers)? else {
        return Ok(Progress::Waiting(vec![REQUEST.into()]));
    };
    let context = plan.context();
    if plan.helpers.contains(*me) {
        let share = exchange.share()?.ok_or(ExchangeError::NoShare(key.epoch))?;
        // What was approved once stays so: the deal may have left.
        let dealt = exchange.store.message(DEAL, &context)?.is_some();
        if !dealt && approved != Some(plan.id) {
            return Ok(Progress::Approve { lost: plan.lost, id: plan.id });
        }
        exchange.send(DEAL, &context, || {
            Deal::make(&plan, &key.key, &key.committee, &share, &mut OsRng)
                .ok_or(ExchangeError::Unlucky)
        })?;
    }
    let (deals, missing) = exchange.collect::<Deal>(DEAL, &context, plan.helpers.iter())?;
    if !missing.is_empty() {
        return Ok(Progress::Waiting(missing));
    }
    if plan.helpers.contains(*me) {
        exchange.send(SUM, &context, || {
            let secret = &exchange.secret;
            Sum::make(&plan, &key.key, &key.committee, *me, &deals, secret, &mut OsRng)
                .map_err(ExchangeError::Repair)
        })?;
    }
    let (sums, missing) = exchange.collect::<Sum>(SUM, &context, plan.helpers.iter())?;
    if !missing.is_empty() {
        return Ok(Progress::Waiting(missing));
    }
    if *me == plan.lost && exchange.share()?.is_none() {
        let share = recover(&plan, &key.key, &deals, &sums, &exchange.secret)
            .map_err(ExchangeError::Repair)?;
        exchange.store.put_share(&key.transcript, &key.key, &share)?;
    }
    Ok(Progress::Repaired)
}

/// The number of our request in the folder, if we are the one that asks.
///
/// # Errors
/// [`ExchangeError`].
pub fn asked(exchange: &Exchange<'_>) -> Result<Option<[u8; 32]>, ExchangeError> {
    Ok(plan(exchange, None)?.filter(|plan| plan.lost == exchange.me).map(|plan| plan.id))
}

/// The plan in the folder, or ours if we ask; `None` while nobody has asked.
fn plan(
    exchange: &Exchange<'_>,
    helpers: Option<MemberSet>,
) -> Result<Option<Plan>, ExchangeError> {
    let Exchange { key, me, .. } = exchange;
    let (path, context) = (exchange.path(REQUEST), Plan::request_context(&key.transcript));
    // The sender is in the file: whoever signs may ask for its own share only.
    let sender = exchange.sender::<Plan>(REQUEST)?.unwrap_or(Member(u16::MAX));
    let found: Option<Plan> = exchange.read(REQUEST, &context, sender)?;
    match (found, helpers) {
        (Some(plan), _) if !plan.fits(&key.key) || plan.lost != sender => {
            Err(ExchangeError::Forged(path, sender.0))
        }
        (Some(plan), Some(helpers)) if (plan.lost, plan.helpers) != (*me, helpers) => {
            Err(ExchangeError::OtherRequest(path))
        }
        (Some(plan), _) => Ok(Some(plan)),
        (None, None) => Ok(None),
        (None, Some(helpers)) => {
            let plan = Plan::new(key.transcript, &key.key, *me, helpers, &mut OsRng)
                .ok_or(ExchangeError::BadHelpers(key.key.threshold()))?;
            exchange.write(REQUEST, &context, plan)?;
            Ok(Some(plan))
        }
    }
}
