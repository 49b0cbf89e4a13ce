#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Writes assembly with a stub for each function of some shared libraries, for x86-64.

Usage: stubs.py OUTPUT COMPILER... -- LIBRARY...   (its name as the linker finds it: libz.so)

A stub has the function's name. It jumps to where its record says: at first back into the stub, to
late_enter, which keeps all registers that may hold arguments, lets late_find() write the function's
place into the record, and goes there. Each has sections of its own, so that the linker can drop it.
"""

import re
import subprocess
import sys

HEAD = """
    .text
    .hidden late_find
    .type late_enter, @function
late_enter: /* %r11: the record; the stack is as the function's caller left it */
    .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset %rbp, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    and $-16, %rsp
    sub $192, %rsp
    mov %rax, 0(%rsp)
    mov %rdi, 8(%rsp)
    mov %rsi, 16(%rsp)
    mov %rdx, 24(%rsp)
    mov %rcx, 32(%rsp)
    mov %r8, 40(%rsp)
    mov %r9, 48(%rsp)
    movaps %xmm0, 64(%rsp)
    movaps %xmm1, 80(%rsp)
    movaps %xmm2, 96(%rsp)
    movaps %xmm3, 112(%rsp)
    movaps %xmm4, 128(%rsp)
    movaps %xmm5, 144(%rsp)
    movaps %xmm6, 160(%rsp)
    movaps %xmm7, 176(%rsp)
    mov %r11, %rdi
    call late_find
    mov %rax, %r11
    mov 0(%rsp), %rax
    mov 8(%rsp), %rdi
    mov 16(%rsp), %rsi
    mov 24(%rsp), %rdx
    mov 32(%rsp), %rcx
    mov 40(%rsp), %r8
    mov 48(%rsp), %r9
    movaps 64(%rsp), %xmm0
    movaps 80(%rsp), %xmm1
    movaps 96(%rsp), %xmm2
    movaps 112(%rsp), %xmm3
    movaps 128(%rsp), %xmm4
    movaps 144(%rsp), %xmm5
    movaps 160(%rsp), %xmm6
    movaps 176(%rsp), %xmm7
    leave
    .cfi_def_cfa %rsp, 8
    jmp *%r11
    .cfi_endproc
    .size late_enter, . - late_enter

.macro stub name library
    .section .text.\\name, "ax", @progbits
    .globl \\name
    .hidden \\name
    .type \\name, @function
\\name:
    endbr64
    jmp *late_of_\\name(%rip)
late_first_\\name:
    endbr64
    lea late_of_\\name(%rip), %r11
    jmp late_enter
    .size \\name, . - \\name
    .section .data.\\name, "aw", @progbits
    .balign 8
late_of_\\name:
    .quad late_first_\\name
    .quad late_name_\\name
    .quad late_library_\\library
    .section .rodata.\\name, "a", @progbits
late_name_\\name:
    .asciz "\\name"
.endm
"""
TAIL = '    .section .note.GNU-stack, "", @progbits\n'


def output_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def stubs_of(number, path):
    """The stubs of one library, and the name that it is loaded by."""
    name = re.search(r"\(SONAME\).*\[(.*)\]", output_of(["readelf", "-dW", path])).group(1)
    lines = [f'    .section .rodata.late{number}, "a", @progbits',
             f"late_library_{number}:", f'    .asciz "{name}"']
    seen = set()
    for line in output_of(["nm", "-D", "--defined-only", path]).splitlines():
        kind, symbol = line.split()[-2:]
        symbol = symbol.split("@")[0]
        if kind in "TWi" and symbol not in seen and not symbol.startswith("_"):
            seen.add(symbol)
            lines.append(f"    stub {symbol} {number}")
    return lines


def main():
    output, rest = sys.argv[1], sys.argv[2:]
    compiler, libraries = rest[:rest.index("--")], rest[rest.index("--") + 1:]
    lines = ["/* Written by stubs.py. */", HEAD]
    for number, library in enumerate(libraries):
        path = output_of([*compiler, f"-print-file-name={library}"]).strip()
        lines += stubs_of(number, path)
    with open(output, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n" + TAIL)


if __name__ == "__main__":
    main()
