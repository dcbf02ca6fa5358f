// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace qscope {

namespace {

/// Between a target's name and six random characters: no one else calls a file so.
constexpr std::string_view kMark = ".qscope-";
constexpr std::size_t kRandom = 6;

bool isTemporaryOf(const std::string& target, const std::string& name) {
    return name.size() == target.size() + kMark.size() + kRandom && name.starts_with(target) &&
           std::string_view(name).substr(target.size()).starts_with(kMark);
}

/// Removes what runs that were killed have left of this target. Whoever still writes holds a lock.
void removeAbandoned(const std::filesystem::path& target) {
    const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
    std::error_code problem;
    for (std::filesystem::directory_iterator entries(folder, problem), end; !problem && entries != end; entries.increment(problem)) {
        if (!isTemporaryOf(target.filename().string(), entries->path().filename().string())) continue;
        const int descriptor = ::open(entries->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (descriptor < 0) continue;
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(entries->path().c_str());
        ::close(descriptor);
    }
}

} // namespace

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& target) {
    removeAbandoned(target);
    for (int attempt = 0; attempt < 8; ++attempt) {
        std::string pattern = target.string() + std::string(kMark) + std::string(kRandom, 'X');
        const int descriptor = ::mkostemp(pattern.data(), O_CLOEXEC);
        if (descriptor < 0) break;
        AtomicFile file(target, pattern, descriptor);
        ::flock(descriptor, LOCK_EX);
        struct stat status {};
        if (::fstat(descriptor, &status) == 0 && status.st_nlink == 0) continue; // taken for abandoned before the lock
        ::fchmod(descriptor, 0644);
        return file;
    }
    return fail(ErrorCode::Io, "{}: cannot create: {}", target.string(), std::strerror(errno));
}

AtomicFile::AtomicFile(std::filesystem::path target, std::filesystem::path temporary, int descriptor)
    : m_target(std::move(target)), m_temporary(std::move(temporary)), m_descriptor(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : m_target(std::move(other.m_target)), m_temporary(std::move(other.m_temporary)),
      m_descriptor(std::exchange(other.m_descriptor, -1)), m_position(other.m_position) {}

AtomicFile::~AtomicFile() {
    if (m_descriptor < 0) return;
    ::close(m_descriptor);
    std::error_code ignored;
    std::filesystem::remove(m_temporary, ignored);
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(ErrorCode::Io, "{}: cannot write: {}", m_target.string(), std::strerror(errno));
        m_position += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> AtomicFile::write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

Result<std::filesystem::path> AtomicFile::flushed() {
    if (::fsync(m_descriptor) != 0)
        return fail(ErrorCode::Io, "{}: cannot flush: {}", m_target.string(), std::strerror(errno));
    return m_temporary;
}

Result<void> AtomicFile::commit() {
    QSCOPE_CHECK(flushed());
    if (::rename(m_temporary.c_str(), m_target.c_str()) != 0)
        return fail(ErrorCode::Io, "{}: cannot put in place: {}", m_target.string(), std::strerror(errno));
    ::close(std::exchange(m_descriptor, -1));
    return {};
}

Result<void> writeFileAtomically(const std::filesystem::path& target, std::string_view text) {
    QSCOPE_TRY(auto file, AtomicFile::create(target));
    QSCOPE_CHECK(file.write(text));
    return file.commit();
}

} // namespace qscope
