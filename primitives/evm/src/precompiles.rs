//! The precompiled contracts of the profile: 0x01..=0x09 run, 0x01..=0x0a are warm.
//!
//! The prover's kernel warms 0x0a like Ethereum but has no point evaluation there, so a call to it
//! is a call to a plain account.

use crate::{
    meter::{cost, Meter, EXHAUSTED},
    profile::LAST_WARM,
};
use alloc::string::{String, ToString};
use revm::{
    context_interface::{Cfg, ContextTr},
    handler::{precompile_output_to_interpreter_result, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    precompile::{PrecompileHalt, Precompiles},
    primitives::{Address, AddressSet, OnceLock},
};

/// The precompiled contracts, each call charged to the proving-cost meter.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfilePrecompiles;

impl ProfilePrecompiles {
    /// The contracts that run. Berlin's set is that of Cancun without the point evaluation.
    fn running() -> &'static Precompiles {
        Precompiles::berlin()
    }

    /// The addresses that are warm from the start.
    pub fn warm() -> &'static AddressSet {
        static WARM: OnceLock<AddressSet> = OnceLock::new();
        WARM.get_or_init(|| (1..=LAST_WARM).map(Address::with_last_byte).collect())
    }
}

impl<CTX: ContextTr<Chain = Meter>> PrecompileProvider<CTX> for ProfilePrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, _: <CTX::Cfg as Cfg>::Spec) -> bool {
        // The profile has one hard fork; the journal warms the addresses when it has none.
        false
    }

    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let Some(precompile) = Self::running().get(&inputs.bytecode_address) else {
            return Ok(None);
        };
        // Before it runs, and whatever gas there is.
        let address = &inputs.bytecode_address;
        let provable = cost::is_provable(address, &inputs.input.as_bytes(context));
        if !provable && !context.chain_mut().charge(u64::MAX) {
            return Err(EXHAUSTED.into());
        }
        let (output, cycles) = {
            let input = inputs.input.as_bytes(context);
            let output = precompile
                .execute(&input, inputs.gas_limit, inputs.reservoir)
                .map_err(|error| error.to_string())?;
            // The kernel takes the gas first, so one that ran out of it did no work. Charging after
            // the fact is safe: gas has bounded the work here.
            let out_of_gas = output.halt_reason().is_some_and(PrecompileHalt::is_oog);
            let cycles =
                if out_of_gas { 0 } else { cost::precompile(&inputs.bytecode_address, &input) };
            (output, cycles)
        };
        if !context.chain_mut().charge(cycles) {
            return Err(EXHAUSTED.into());
        }
        Ok(Some(precompile_output_to_interpreter_result(output, inputs.gas_limit)))
    }

    fn warm_addresses(&self) -> &AddressSet {
        Self::warm()
    }

    fn contains(&self, address: &Address) -> bool {
        Self::running().contains(address)
    }
}
