//! `trace_filter`: which traces of a span of blocks a client wants.

use crate::{exec::failure::Failure, limits::Limits};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::Address;
use alloy_rpc_types_trace::{
    filter::{TraceFilter, TraceFilterMatcher, TraceFilterMode},
    parity::LocalizedTransactionTrace,
};
use serde::Deserialize;

/// The request. Unlike the type it is turned into it knows block tags.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Wanted {
    /// First block; `earliest` if not given.
    pub(crate) from_block: Option<BlockNumberOrTag>,
    /// Last block; `latest` if not given.
    pub(crate) to_block: Option<BlockNumberOrTag>,
    from_address: Option<Vec<Address>>,
    to_address: Option<Vec<Address>>,
    mode: TraceFilterMode,
    after: Option<u64>,
    count: Option<u64>,
}

/// Takes traces in order and keeps those of one page.
pub(crate) struct Page {
    matcher: TraceFilterMatcher,
    skip: u64,
    count: usize,
    most: usize,
    traces: Vec<LocalizedTransactionTrace>,
}

impl Page {
    /// The page that `wanted` asks for, at most as long as `limits` allow.
    pub(crate) fn new(wanted: Wanted, limits: &Limits) -> Self {
        let filter = TraceFilter {
            from_address: wanted.from_address.unwrap_or_default(),
            to_address: wanted.to_address.unwrap_or_default(),
            mode: wanted.mode,
            ..Default::default()
        };
        let count = wanted.count.map_or(usize::MAX, |count| count.try_into().unwrap_or(usize::MAX));
        Self {
            matcher: filter.matcher(),
            skip: wanted.after.unwrap_or_default(),
            count,
            most: limits.trace_results,
            traces: Vec::new(),
        }
    }

    /// Whether no more traces are wanted.
    pub(crate) fn is_full(&self) -> bool {
        self.traces.len() >= self.count
    }

    /// Takes the matching ones of `traces`.
    pub(crate) fn take(&mut self, traces: Vec<LocalizedTransactionTrace>) -> Result<(), Failure> {
        for trace in traces {
            if self.is_full() {
                break;
            }
            if !self.matcher.matches(&trace.trace) {
                continue;
            }
            if let Some(left) = self.skip.checked_sub(1) {
                self.skip = left;
                continue;
            }
            if self.traces.len() >= self.most {
                return Err(Failure::limit(format_args!(
                    "more than {} traces match: ask with count and after, or fewer blocks",
                    self.most
                )));
            }
            self.traces.push(trace);
        }
        Ok(())
    }

    /// The page.
    pub(crate) fn into_traces(self) -> Vec<LocalizedTransactionTrace> {
        self.traces
    }
}

/// Refuses a span that is empty or wider than the node traces at once.
pub(crate) fn check_span(from: u64, to: u64, limits: &Limits) -> Result<(), Failure> {
    match to.checked_sub(from) {
        None => Err(Failure::params(format_args!(
            "invalid parameters: fromBlock {from} is above toBlock {to}"
        ))),
        Some(span) if span >= limits.trace_blocks => Err(Failure::limit(format_args!(
            "block range too wide: {} blocks, at most {} at once",
            span.saturating_add(1),
            limits.trace_blocks
        ))),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_rpc_types_trace::parity::{Action, CallAction, TransactionTrace};
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn prop_decoder_survives_any_text(
            field in "(from|to)(Block|Address)|mode|after|count|[a-z]{0,8}",
            value in r#"-?[0-9]{0,30}|"(0x)?[0-9a-f]{0,50}"|null|\[("[a-z0-9]{0,44}",?)*\]|\PC{0,20}"#,
        ) {
            let text = format!("{{\"{field}\":{value}}}");
            if let Ok(wanted) = serde_json::from_str::<Wanted>(&text) {
                Page::new(wanted, &Limits::default());
            }
        }
    }

    fn trace(from: u8, to: u8) -> LocalizedTransactionTrace {
        let action = Action::Call(CallAction {
            from: Address::with_last_byte(from),
            to: Address::with_last_byte(to),
            ..Default::default()
        });
        LocalizedTransactionTrace {
            trace: TransactionTrace { action, ..Default::default() },
            block_hash: None,
            block_number: None,
            transaction_hash: None,
            transaction_position: None,
        }
    }

    fn page(wanted: serde_json::Value, most: usize) -> Page {
        let limits = Limits { trace_results: most, ..Default::default() };
        Page::new(serde_json::from_value(wanted).unwrap(), &limits)
    }

    #[test]
    fn after_skips_matches_and_count_ends_the_page() {
        let from = Address::with_last_byte(1);
        let mut page = page(json!({ "fromAddress": [from], "after": 1, "count": 2 }), 100);
        page.take(vec![trace(1, 1), trace(2, 2), trace(1, 3)]).unwrap();
        assert!(!page.is_full());
        page.take(vec![trace(1, 4), trace(1, 5)]).unwrap();
        assert!(page.is_full());
        assert_eq!(page.into_traces(), [trace(1, 3), trace(1, 4)]);
    }

    #[test]
    fn page_without_count_is_bounded_by_an_error_and_not_cut() {
        let mut page = page(json!({}), 2);
        page.take(vec![trace(1, 1), trace(1, 1)]).unwrap();
        assert!(page.take(vec![trace(1, 1)]).is_err());
    }

    #[test]
    fn tags_and_nulls_are_understood() {
        let wanted: Wanted = serde_json::from_value(
            json!({ "fromBlock": "0x5", "toBlock": "latest", "toAddress": null }),
        )
        .unwrap();
        assert_eq!(wanted.from_block, Some(BlockNumberOrTag::Number(5)));
        assert_eq!(wanted.to_block, Some(BlockNumberOrTag::Latest));
    }

    #[test]
    fn spans_are_checked() {
        let limits = Limits { trace_blocks: 10, ..Default::default() };
        assert!(check_span(5, 5, &limits).is_ok());
        assert!(check_span(0, 9, &limits).is_ok());
        assert!(check_span(0, 10, &limits).is_err());
        assert!(check_span(6, 5, &limits).is_err());
        assert!(check_span(0, u64::MAX, &limits).is_err());
    }
}
