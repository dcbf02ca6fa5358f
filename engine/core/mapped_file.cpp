// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qscope {

namespace {
struct Descriptor {
    int value;
    ~Descriptor() {
        if (value >= 0) ::close(value);
    }
};
} // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
    // O_NONBLOCK: a named pipe given as a file must not hang the open; it is refused below.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.value < 0) return fail(ErrorCode::Io, "cannot open: {}", std::strerror(errno));
    struct stat status {};
    if (::fstat(file.value, &status) != 0) return fail(ErrorCode::Io, "cannot read its size: {}", std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::Io, "not a regular file");
    const auto size = static_cast<std::size_t>(status.st_size);
    std::span<const std::byte> bytes;
    if (size > 0) {
        void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
        if (address == MAP_FAILED) return fail(ErrorCode::Io, "cannot map {} bytes: {}", size, std::strerror(errno));
        bytes = {static_cast<const std::byte*>(address), size};
    }
    return std::shared_ptr<const MappedFile>(new MappedFile(path, bytes));
}

std::shared_ptr<const MappedFile> MappedFile::holding(std::filesystem::path path, std::vector<std::byte> bytes) {
    const std::shared_ptr<MappedFile> file(new MappedFile(std::move(path), {}));
    file->m_held = std::move(bytes);
    file->m_bytes = file->m_held;
    return file;
}

MappedFile::~MappedFile() {
    if (m_held.empty() && !m_bytes.empty()) ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size());
}

} // namespace qscope
