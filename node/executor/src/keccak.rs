//! Substrate's keccak-256 by assembly, and without a buffer on the heap.
//!
//! Contracts hash a word or two at a time, so that a block full of gas is a million calls of it.

use keccak_asm::Keccak256;
use sc_executor::sp_wasm_interface::{
    self, anyhow, wasmtime::Caller, Function, FunctionContext, HostFunctionRegistry, HostFunctions,
    Pointer,
};

/// Longest input, in bytes, that needs no buffer on the heap.
const SHORT: usize = 256;

/// Stands in for the host function of the same name.
pub struct FastKeccak;

impl HostFunctions for FastKeccak {
    fn host_functions() -> Vec<&'static dyn Function> {
        Vec::new()
    }

    fn register_static<T: HostFunctionRegistry>(registry: &mut T) -> Result<(), T::Error> {
        registry.register_static(
            "ext_hashing_keccak_256_version_1",
            |caller: Caller<'_, T::State>, data: u64| -> anyhow::Result<u32> {
                T::with_function_context(caller, |context| {
                    // The place is the low half, the length the high one.
                    hash(context, Pointer::new(data as u32), (data >> 32) as usize)
                        .map_err(anyhow::Error::msg)
                })
            },
        )
    }
}

/// Reads `length` bytes of wasm's memory; gives the place of their hash.
fn hash(
    context: &mut dyn FunctionContext,
    data: Pointer<u8>,
    length: usize,
) -> sp_wasm_interface::Result<u32> {
    let hash: [u8; 32] = match [0; SHORT].get_mut(..length) {
        Some(short) => {
            context.read_memory_into(data, short)?;
            Keccak256::digest(short).into()
        }
        None => Keccak256::digest(context.read_memory(data, length as u32)?).into(),
    };
    let place = context.allocate_memory(hash.len() as u32)?;
    context.write_memory(place, &hash)?;
    Ok(place.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sc_executor::sp_wasm_interface::{Result, WordSize};

    /// Memory whose allocator gives one place.
    struct Memory(Vec<u8>);

    const PLACE: u32 = 0;
    const DATA: u32 = 32;

    impl FunctionContext for Memory {
        fn read_memory_into(&mut self, address: Pointer<u8>, dest: &mut [u8]) -> Result<()> {
            let start = u32::from(address) as usize;
            dest.copy_from_slice(self.0.get(start..start + dest.len()).ok_or("out of bounds")?);
            Ok(())
        }

        fn write_memory(&mut self, address: Pointer<u8>, data: &[u8]) -> Result<()> {
            let start = u32::from(address) as usize;
            self.0[start..start + data.len()].copy_from_slice(data);
            Ok(())
        }

        fn allocate_memory(&mut self, size: WordSize) -> Result<Pointer<u8>> {
            assert_eq!(size, 32);
            Ok(Pointer::new(PLACE))
        }

        fn deallocate_memory(&mut self, _: Pointer<u8>) -> Result<()> {
            unreachable!("the runtime frees what it gets")
        }

        fn register_panic_error_message(&mut self, _: &str) {}
    }

    #[test]
    fn hashes_of_all_lengths_are_those_of_substrate() {
        for length in 0..3 * SHORT {
            let data: Vec<u8> = (0..length).map(|index| (index * 7 + length) as u8).collect();
            let mut memory = Memory([vec![0; DATA as usize], data.clone()].concat());
            assert_eq!(hash(&mut memory, Pointer::new(DATA), length), Ok(PLACE));
            assert_eq!(memory.0[..32], sp_io::hashing::keccak_256(&data), "{length} bytes");
        }
    }

    #[test]
    fn attack_data_beyond_the_memory_is_an_error() {
        for length in [100, SHORT + 1] {
            let mut memory = Memory(vec![0; 64]);
            assert!(hash(&mut memory, Pointer::new(DATA), length).is_err());
        }
    }
}
