//! The heap of the runtime in wasm: the host's allocator, with freed blocks kept at hand.
//!
//! Substrate's allocator lives in the host, and each call of it costs more than the work that most blocks are allocated
//! for. Here the newest freed blocks of each size wait for the next allocation of that size. The host rounds sizes to
//! powers of two, so sizes here are the same, whoever allocated a block: results of host functions are the host's.
#![allow(unsafe_code, reason = "an allocator hands out memory")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr,
};
use sp_io::allocator;

/// The smallest block of the host, in bytes, and the alignment of all of them.
const MIN_BLOCK: usize = 8;

/// Sizes that are kept: from 8 bytes to 64 KiB, which holds the stack of a frame of the EVM.
const ORDERS: usize = 14;

/// Most blocks that are kept of each size: 8 MiB at worst.
const KEPT: usize = 64;

/// Bytes before an over-aligned block that say how far behind the host's it begins.
type Offset = u16;

#[global_allocator]
static HEAP: Heap =
    Heap(UnsafeCell::new([const { Kept { newest: ptr::null_mut(), blocks: 0 } }; ORDERS]));

struct Heap(UnsafeCell<[Kept; ORDERS]>);

/// Freed blocks of one size. Each begins with the address of the one freed before it.
struct Kept {
    newest: *mut u8,
    blocks: usize,
}

// SAFETY: an instance of the runtime has one thread.
unsafe impl Sync for Heap {}

/// The size of the block for `bytes`, as the host counts sizes.
const fn order(bytes: usize) -> usize {
    let rounded = if bytes < MIN_BLOCK { MIN_BLOCK } else { bytes };
    (rounded - 1).ilog2() as usize + 1 - MIN_BLOCK.ilog2() as usize
}

impl Heap {
    /// The freed blocks for `layout`; `None` for what the host alone allocates.
    ///
    /// # Safety
    /// No other reference to the lists may be alive.
    #[allow(clippy::mut_from_ref, reason = "one thread, and no caller keeps it")]
    unsafe fn kept(&self, layout: Layout) -> Option<&mut Kept> {
        if layout.align() > MIN_BLOCK {
            return None;
        }
        unsafe { (*self.0.get()).get_mut(order(layout.size())) }
    }
}

// SAFETY: blocks are the host's, which do not overlap; a block is in a list exactly while it is free, and in that of its size.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(kept) = unsafe { self.kept(layout) } {
            let block = kept.newest;
            if !block.is_null() {
                kept.newest = unsafe { block.cast::<*mut u8>().read() };
                kept.blocks -= 1;
                return block;
            }
        }
        let excess = layout.align().saturating_sub(MIN_BLOCK);
        let block = allocator::malloc((layout.size() + excess) as u32);
        let offset = block.align_offset(layout.align());
        // The header of the host's block ends with two bytes of 0.
        if offset == 0 {
            return block;
        }
        unsafe {
            let block = block.add(offset);
            block.cast::<Offset>().sub(1).write_unaligned(offset as Offset);
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(kept) = unsafe { self.kept(layout) } {
            if kept.blocks < KEPT {
                unsafe { block.cast::<*mut u8>().write(kept.newest) };
                kept.newest = block;
                kept.blocks += 1;
                return;
            }
        }
        unsafe {
            let offset = block.cast::<Offset>().sub(1).read_unaligned();
            allocator::free(block.sub(offset.into()));
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= MIN_BLOCK && order(size) == order(layout.size()) {
            return block;
        }
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            ptr::copy_nonoverlapping(block, new, layout.size().min(size));
            self.dealloc(block, layout);
            new
        }
    }
}
